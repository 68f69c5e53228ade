'use strict';
// the properties of the ECONNRESET that a reset peer is told
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => { c.once('data', () => c.resetAndDestroy()); s.close(); });
s.listen(0, HOST, () => {
  const c = watch('client', net.connect(s.address().port, HOST), 'end close');
  c.on('error', (e) => log('props', e.code, e.errno, e.syscall, String(e.address), String(e.port), e.message));
  c.resume().on('connect', () => c.write('x'));
});
