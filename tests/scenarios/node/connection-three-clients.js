'use strict';
// three connects in one tick: one 'connection' per loop turn, so the second and third come after all three 'connect'
const { net, log, HOST } = require('./_h');

let n = 0;
const s = net.createServer((c) => { log('server', 'connection', ++n); c.end().resume(); if (n === 3) s.close(); });
s.listen(0, HOST, () => {
  for (const who of ['a', 'b', 'c']) {
    net.connect(s.address().port, HOST, () => log(who, 'connect')).resume();
  }
});
