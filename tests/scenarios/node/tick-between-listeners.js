'use strict';
// the listeners of one emit run without ticks between them; ticks and microtasks run after the whole callback
const { net, log, HOST } = require('./_h');

const s = net.createServer((c) => { c.end('x').resume(); s.close(); });
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST);
  for (const n of [1, 2]) {
    for (const event of ['connect', 'ready', 'data', 'end', 'close']) {
      c.on(event, () => {
        log(event, n);
        process.nextTick(() => log('tick-of', event, n));
        Promise.resolve().then(() => log('micro-of', event, n));
      });
    }
  }
});
