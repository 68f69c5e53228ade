'use strict';
// destroy() in 'connect': a write held for the connection fails among the listeners, before 'ready'
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => { watch('peer', c, 'data end close'); s.close(); });
s.listen(0, HOST, () => {
  const c = watch('client', net.connect(s.address().port, HOST), 'connect ready finish error close');
  c.on('connect', () => c.destroy());
  c.write('one', (e) => log('cb-1', e.code));
  c.write('two', (e) => log('cb-2', e.code));
  c.end((e) => log('end-cb', e.code));
});
