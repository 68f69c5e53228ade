'use strict';
// the callback of a write that destroy() has cancelled throws in the closing phase: 'close' comes at once, and then the ticks that were left
const { net, log, HOST } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
const ours = [];
const s = net.createServer((c) => {
  ours.push(c);
  if (ours.length < 2) return;
  s.close();
  ours.forEach((c, n) => {
    c.on('error', () => {}).on('close', () => log('close', n));
    c.write(Buffer.alloc(40 << 20), () => {
      log('cancelled', n);
      process.nextTick(() => log('tick of', n));
      if (n === 1) throw new Error('in a write callback');
    });
  });
  setTimeout(() => ours.forEach((c) => c.destroy()), 30);
});
s.listen(0, HOST, () => {
  for (let i = 0; i < 2; i++) net.connect(s.address().port, HOST).on('error', () => {}).pause();
});
