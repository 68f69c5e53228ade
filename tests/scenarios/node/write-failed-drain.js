'use strict';
// a write that fails at once lets 'drain' come, as nothing is owed any more; then 'error'
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => { c.write('hi'); c.destroy(); s.close(); });
s.listen(0, HOST, () => {
  const c = watch('client', net.connect({ port: s.address().port, host: HOST, highWaterMark: 4 }), 'connect drain ready error close');
  c.write('one', (e) => log('cb-1', e ? e.code : 'null'));
  log('write', c.write('two', (e) => log('cb-2', e ? e.code : 'null')), c.writableNeedDrain);
});
