'use strict';
// what waits as text stays as it is when the encoding is set again
const { net, log, HOST } = require('./_h');

const until = (ready, go) => (ready() ? go() : setImmediate(until, ready, go));
let c, p;
const s = net.createServer((it) => { s.close(); p = it; p.write('abc'); });
s.listen(0, HOST, () => {
  c = net.connect(s.address().port, HOST);
  until(() => c.readableLength === 3, () => {
    c.setEncoding('base64').setEncoding('base64');
    log('client', 'read', c.read());
    p.end('abcd');
    until(() => c.readableLength === 4, () => {
      c.setEncoding('hex');
      c.on('data', (d) => log('client', 'data', d));
    });
  });
});
