'use strict';
// pause() in 'data' stops data; resume() releases what waits from nextTick
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c, 'resume data end close');
  c.once('data', () => {
    c.pause();
    log('peer', 'paused', c.isPaused(), c.readableFlowing);
    c.write('go on');
    setTimeout(() => {
      log('peer', 'waits', c.readableLength, c.bytesRead);
      c.resume();
      log('peer', 'resumed', c.isPaused(), c.readableFlowing);
      process.nextTick(() => log('main', 'nextTick'));
      Promise.resolve().then(() => log('main', 'microtask'));
    }, 30);
  });
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.write('one'));
  c.once('data', () => c.end('two')).resume();
});
