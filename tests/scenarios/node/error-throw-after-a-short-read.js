'use strict';
// an exception behind a chunk that was all there was: the end is read in the next turn
const { net, log, watch, HOST } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
const ours = [];
const s = net.createServer((c) => {
  ours.push(c);
  if (ours.length < 2) return;
  s.close();
  const [a, b] = ours;
  watch('a', a, 'data end').on('data', () => {
    process.nextTick(() => { throw new Error('in a tick'); });
    process.nextTick(() => log('next tick'));
    queueMicrotask(() => log('microtask'));
    setImmediate(() => log('immediate'));
  });
  watch('b', b, 'data').on('data', () => process.nextTick(() => log('tick of b')));
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => {
    const d = net.connect(s.address().port, HOST, () => {
      setTimeout(() => { c.end('x'); d.end('y'); }, 30);
    }).resume();
  }).resume();
});
