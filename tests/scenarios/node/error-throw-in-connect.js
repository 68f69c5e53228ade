'use strict';
// an exception in 'connect': the other socket connects first, then come the ticks that were left; there is no 'ready', and nothing is read
const { net, log, watch, HOST } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
let n = 0;
const s = net.createServer((c) => { c.end('hi').resume().on('error', () => {}); if (++n === 2) s.close(); });
s.listen(0, HOST, () => {
  for (const name of ['a', 'b']) {
    const c = watch(name, net.connect(s.address().port, HOST), 'connect ready data end');
    c.on('connect', () => {
      process.nextTick(() => log('tick of', name));
      if (name === 'b') return;
      setImmediate(() => log('immediate'));
      throw new Error('in connect');
    });
    if (name === 'a') setTimeout(() => { log(c.destroyed, c.bytesRead); c.destroy(); }, 100);
  }
});
