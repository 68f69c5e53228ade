'use strict';
// writableNeedDrain after a write that failed: as before, until the socket is destroyed
const { net, log, watch, sockPath } = require('./_h');

const s = net.createServer((c) => { c.destroy(); s.close(); });
s.listen(sockPath(), () => {
  const c = watch('client', net.connect({ path: s.address(), allowHalfOpen: true, highWaterMark: 4 }), 'drain error close');
  c.resume();
  c.on('end', () => {
    c.cork();
    log('write', c.write('more than the mark', (e) => log('cb', e.code, c.writableNeedDrain)), c.writableNeedDrain);
    c.uncork();
    log('uncork', c.writable, c.writableNeedDrain);
  });
  c.on('error', () => log('error', c.writableNeedDrain));
});
