'use strict';
// resume() in a listener of 'readable' lets nothing flow
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  let n = 0;
  watch('peer', c, 'end').on('readable', () => {
    c.resume();
    log('peer', 'readable', ++n, c.readableFlowing, c.isPaused());
    if (n > 1) return;
    setTimeout(() => { log('peer', 'waits', c.readableLength); while (c.read() !== null); }, 20);
  });
  s.close();
});
s.listen(0, HOST, () => { const c = net.connect(s.address().port, HOST, () => c.end('hello')); c.resume(); });
