'use strict';
// an exception in the connection callback, and an 'error' nobody hears: the connections that wait are accepted all the same
const { net, log, HOST } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
let n = 0;
const s = net.createServer((c) => {
  log('server', 'connection', ++n);
  c.end().resume();
  if (n === 3) s.close();
  if (n === 1) c.destroy(new Error('unheard'));
  throw new Error('thrown ' + n);
});
s.listen(0, HOST, () => {
  for (let i = 0; i < 3; i++) net.connect(s.address().port, HOST).resume();
});
