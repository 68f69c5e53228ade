'use strict';
// what a listener of data puts back flows on in the order of the calls, and stops nothing, although it reaches the mark
const { net, log, HOST } = require('./_h');

const s = net.createServer((c) => { c.on('data', () => c.end('b')); c.write('a'); s.close(); });
s.listen(0, HOST, () => {
  const c = net.connect({ port: s.address().port, host: HOST, readableHighWaterMark: 1 });
  c.on('data', (d) => {
    log('client', 'data', d.toString());
    if (d.toString() === 'a') { c.read(); c.unshift(Buffer.from('u')); c.unshift(Buffer.from('v')); }
    if (d.toString() === 'v') c.write('on');
  }).on('end', () => log('client', 'end'));
});
