'use strict';
// pipe(dest, {end: false}) leaves dest open after the source has ended
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer({ allowHalfOpen: true }, (c) => {
  watch('peer', c, 'unpipe end finish close');
  c.pipe(c, { end: false });
  c.on('end', () => setTimeout(() => { log('peer', 'open', c.writable, c.readyState); c.end('bye'); }, 20));
  s.close();
});
s.listen(0, HOST, () => {
  const c = watch('client', net.connect({ port: s.address().port, host: HOST }), 'data end close');
  c.on('connect', () => c.end('x'));
});
