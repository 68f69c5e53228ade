'use strict';
// TCP: the first write after the peer has closed passes, the reset comes back, and a later write fails
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => { c.destroy(); s.close(); });
s.listen(0, HOST, () => {
  const c = watch('client', net.connect({ port: s.address().port, host: HOST, allowHalfOpen: true }), 'end close');
  c.resume().on('error', (e) => log('client', 'error', e.code, e.syscall));
  c.on('end', () => {
    c.pause();
    log('write', c.write('one', (e) => log('cb-1', e ? e.code : 'null')));
    setTimeout(() => log('write', c.write('two', (e) => log('cb-2', e ? e.code : 'null')), c.destroyed), 20);
  });
});
