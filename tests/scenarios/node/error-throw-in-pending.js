'use strict';
// exceptions in the pending phase, where halves are shut down: the other socket is served first, then come the ticks that were left
const { net, log, HOST } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
const ours = [];
const s = net.createServer({ allowHalfOpen: true }, (c) => {
  ours.push(c.resume());
  if (ours.length < 4) return;
  s.close();
  ['prefinish', 'finish'].forEach((place, i) => {
    const [a, b] = ours.slice(2 * i);
    for (const [name, c] of [['a', a], ['b', b]]) {
      for (const event of ['prefinish', 'finish']) c.on(event, () => log(name, event));
    }
    a.on(place, () => {
      process.nextTick(() => log('tick'));
      queueMicrotask(() => log('microtask'));
      setImmediate(() => log('immediate'));
      throw new Error('in ' + place);
    });
    setTimeout(() => { a.end(); b.end(); }, 100 * (i + 1));
  });
  setTimeout(() => ours.forEach((c) => { log(c.writableFinished, c.destroyed); c.destroy(); }), 400);
});
s.listen(0, HOST, () => {
  for (let i = 0; i < 4; i++) net.connect({ port: s.address().port, host: HOST, allowHalfOpen: true }).resume();
});
