'use strict';
// a request that has left in part counts as activity when the timeout looks first, whether it was
// set before the write or behind it
const { net, log, HOST } = require('./_h');

const s = net.createServer({ pauseOnConnect: true });
s.listen(0, HOST, () => {
  const port = s.address().port;
  const play = (name, before, next) => {
    const c = net.connect(port, HOST, () => {
      if (before) c.setTimeout(120);
      c.write(Buffer.alloc(16 << 20));
      if (!before) c.setTimeout(120);
      setTimeout(() => log(name, 'later'), 180);
    });
    c.on('timeout', () => { log(name, 'timeout', c.writableLength > 0); c.destroy(); next(); });
  };
  s.on('connection', (peer) => peer.on('error', () => {}));
  play('before', true, () => play('behind', false, () => process.exit()));
});
