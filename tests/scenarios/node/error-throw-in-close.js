'use strict';
// exceptions in the closing phase: the next 'close' comes first, then the ticks that were left
const { net, log, HOST } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
const ours = [];
const s = net.createServer((c) => {
  ours.push(c.resume());
  if (ours.length < 3) return;
  s.close();
  ours.forEach((c, n) => {
    c.on('close', () => {
      log('close', n);
      process.nextTick(() => log('tick', n));
      queueMicrotask(() => log('microtask', n));
      setImmediate(() => log('immediate', n));
      if (n > 0) throw new Error('in close ' + n);
    });
    c.destroy();
  });
});
s.listen(0, HOST, () => {
  for (let i = 0; i < 3; i++) net.connect(s.address().port, HOST).resume();
});
