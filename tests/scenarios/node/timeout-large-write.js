'use strict';
// a request that is stuck times out, once; when it goes on again there is activity, and a next timeout
const { net, log, HOST } = require('./_h');

let peer;
const s = net.createServer({ pauseOnConnect: true }, (c) => { peer = c; s.close(); });
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => {
    c.setTimeout(60);
    c.write(Buffer.alloc(16 << 20), () => log('client', 'written'));
  });
  let n = 0;
  c.resume().on('timeout', () => {
    log('client', 'timeout', ++n, c.writableLength > 0);
    if (n === 1) peer.resume(); else c.end();
  });
  c.on('close', (e) => log('client', 'close', e));
});
