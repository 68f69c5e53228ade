'use strict';
// destroySoon() waits for queued writes, then destroys without waiting for the peer's end
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer({ allowHalfOpen: true }, (c) => {
  let got = 0;
  c.on('data', (d) => { got += d.length; });
  c.on('end', () => { log('peer', 'end', got); c.end(); });
  s.close();
});
s.listen(0, HOST, () => {
  const c = watch('client', net.connect(s.address().port, HOST), 'end finish error close');
  c.resume().on('connect', () => {
    c.write(Buffer.alloc(8 << 20), () => log('client', 'cb'));
    c.destroySoon();
    log('client', 'after', c.destroyed, c.writable, c.readyState);
  });
});
