'use strict';
// who has read exactly what was left is told of the end by his next read
const { net, log, HOST } = require('./_h');

const until = (ready, go) => (ready() ? go() : setImmediate(until, ready, go));
const s = net.createServer((p) => { s.close(); p.end('abc'); });
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST);
  let told = 0;
  c.on('readable', () => told++);
  c.on('end', () => log('client', 'end'));
  until(() => told === 2, () => {
    log('client', 'read', String(c.read(3)));
    setImmediate(() => { log('client', 'read', String(c.read())); });
  });
});
