'use strict';
// exceptions within a burst of reads: the burst goes on at once, and the ticks that were left come after its next chunk
const { net, log, HOST } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
const ours = [];
const s = net.createServer((c) => {
  ours.push(c);
  if (ours.length < 2) return;
  s.close();
  const [a, b] = ours;
  let n = 0;
  a.on('data', () => {
    n++;
    if (n > 3) return;
    log('a', 'data', n);
    process.nextTick((n) => log('tick of', n), n);
    setImmediate((n) => log('immediate of', n), n);
    if (n < 3) throw new Error('in data');
  });
  b.on('data', () => log('b', 'data'));
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => {
    const d = net.connect(s.address().port, HOST, () => {
      setTimeout(() => { c.end(Buffer.alloc(220000)); d.end('x'); }, 30);
    }).resume();
  }).resume();
});
