'use strict';
// a large write to a peer that has gone: what is left is tried again at once, and fails; it is told before the immediates
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => { c.destroy(); s.close(); });
s.listen(0, HOST, () => {
  const c = watch('client', net.connect({ port: s.address().port, host: HOST, allowHalfOpen: true }), 'connect end error close');
  c.on('connect', () => setImmediate(() => log('main immediate')));
  c.write(Buffer.alloc(4000000), (e) => log('cb', e ? e.code : 'null'));
});
