'use strict';
// without a consumer a stream stops reading at the mark; one read of 64 KiB at most passes it
const { net, log, HOST } = require('./_h');

const s = net.createServer((c) => {
  let before = -1;
  const look = setInterval(() => {
    if (c.bytesRead !== before || !before) { before = c.bytesRead; return; }
    clearInterval(look);
    log('peer', 'read', c.bytesRead, 'waits', c.readableLength, 'mark', c.readableHighWaterMark);
    c.destroy();
  }, 20);
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.write(Buffer.alloc(1 << 20)));
  c.resume().on('error', () => {});
});
