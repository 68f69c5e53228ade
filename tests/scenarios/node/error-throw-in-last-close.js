'use strict';
// an exception in the last 'close' of a turn: the ticks that were left wait for the timers
const { net, log, busy, HOST } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
const s = net.createServer((c) => {
  s.close();
  c.resume().on('close', () => {
    process.nextTick(() => log('tick'));
    queueMicrotask(() => log('microtask'));
    throw new Error('in close');
  });
  setTimeout(() => log('timer'), 1);
  setImmediate(() => busy(5));
  c.destroy();
});
s.listen(0, HOST, () => net.connect(s.address().port, HOST).resume());
