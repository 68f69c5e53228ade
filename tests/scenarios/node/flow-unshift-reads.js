'use strict';
// unshift() makes a connection that was paused from its beginning read, up to the high-water mark
const { net, log, HOST } = require('./_h');

const s = net.createServer({ pauseOnConnect: true }, (c) => {
  s.close();
  log('before', c.bytesRead, c.readableLength);
  c.unshift(Buffer.alloc(3));
  log('after', c.bytesRead, c.readableLength);
  setTimeout(() => { log('later', c.bytesRead, c.readableLength); c.destroy(); }, 50);
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.write('12345'));
  c.resume();
  c.on('error', () => {});
});
