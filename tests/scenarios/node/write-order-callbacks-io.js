'use strict';
// write callbacks against other ticks inside a 'data' callback
const { net, log, HOST } = require('./_h');

const s = net.createServer((c) => { c.resume().end('x'); s.close(); });
s.listen(0, HOST, () => {
  const c = net.connect({ port: s.address().port, host: HOST });
  c.once('data', () => {
    process.nextTick(() => log('tick-1'));
    c.write('a', () => { log('cb-a'); process.nextTick(() => log('tick-of-a')); });
    process.nextTick(() => log('tick-2'));
    c.write('b', () => log('cb-b'));
    process.nextTick(() => log('tick-3'));
    Promise.resolve().then(() => log('microtask'));
    setImmediate(() => log('immediate'));
  });
});
