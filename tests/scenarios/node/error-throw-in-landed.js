'use strict';
// the callback of a write that had to wait throws after end(): our half is shut down at once, and then come the ticks that were left
const { net, log, HOST } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
const s = net.createServer((c) => {
  s.close();
  for (const event of ['drain', 'prefinish', 'finish']) c.on(event, () => log(event));
  c.resume().write(Buffer.alloc(40 << 20), () => {
    log('written');
    process.nextTick(() => log('tick'));
    c.end();
    throw new Error('in a write callback');
  });
});
s.listen(0, HOST, () => net.connect(s.address().port, HOST).resume());
