'use strict';
// before the connection the answer turns false at the mark; 'drain' comes before the callbacks
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => { c.resume(); s.close(); });
s.listen(0, HOST, () => {
  const c = watch('client', net.connect(s.address().port, HOST), 'connect ready drain');
  c.resume();
  log('65535', c.write(Buffer.alloc(65535), () => log('cb-1')), c.writableLength, c.writableNeedDrain);
  log('1', c.write('x', () => log('cb-2')), c.writableLength, c.writableNeedDrain);
  log('more', c.write('y', () => { log('cb-3'); c.end(); }), c.writableLength, c.bytesWritten);
});
