'use strict';
// with the mark reached, read(0) and resume tell readable again to who reads by hand
const { net, log, HOST } = require('./_h');

const until = (ready, go) => (ready() ? go() : setImmediate(until, ready, go));
let c, p;
const s = net.createServer((it) => { s.close(); p = it; p.write('0123456789'); });
s.listen(0, HOST, () => {
  c = net.connect({ port: s.address().port, host: HOST, highWaterMark: 10 });
  let told = 0;
  c.on('readable', () => { told++; log('client', 'readable', c.readableLength); });
  c.on('end', () => log('client', 'end'));
  until(() => told === 1, () => {
    c.read(0);
    until(() => told === 2, () => {
      c.resume();
      until(() => told === 3, () => {
        c.on('readable', () => { for (let d; (d = c.read()) !== null;) log('client', 'read', d.length); });
        c.read(0);
        p.end();
      });
    });
  });
});
