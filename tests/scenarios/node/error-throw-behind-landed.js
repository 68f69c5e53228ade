'use strict';
// the callback of a write that had to wait throws, and nothing is to be shut down: the ticks that were left wait for the immediates
const { net, log, HOST } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
const s = net.createServer((c) => {
  s.close();
  c.resume().write(Buffer.alloc(40 << 20), () => {
    log('written');
    process.nextTick(() => log('tick'));
    setImmediate(() => log('immediate'));
    setTimeout(() => c.end(), 30);
    throw new Error('in a write callback');
  });
});
s.listen(0, HOST, () => net.connect(s.address().port, HOST).resume());
