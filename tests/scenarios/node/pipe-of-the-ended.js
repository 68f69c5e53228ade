'use strict';
// a pipe lets its source flow, also one that has ended
const { net, log, HOST } = require('./_h');

const s = net.createServer((p) => { s.close(); p.end(); p.on('end', () => log('peer', 'end')); p.resume(); });
s.listen(0, HOST, () => {
  const c = net.connect({ port: s.address().port, host: HOST, allowHalfOpen: true });
  c.on('end', () => {
    log('client', 'end', c.readableFlowing);
    c.pipe(c);
    log('client', 'piped', c.readableFlowing);
  });
});
