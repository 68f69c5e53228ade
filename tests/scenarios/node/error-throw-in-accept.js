'use strict';
// exceptions where connections are accepted: the ticks that were left come after the next callback, which is another socket's
const { net, log, HOST } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
let n = 0;
const s = net.createServer((c) => {
  const k = ++n;
  log('connection', k);
  process.nextTick(() => log('tick of', k));
  setImmediate(() => log('immediate of', k));
  c.resume();
  if (k === 3) s.close();
  else throw new Error('in connection ' + k);
});
s.listen(0, HOST, () => {
  for (const name of ['a', 'b', 'c']) {
    const c = net.connect(s.address().port, HOST, () => { log('connect', name); c.end(); }).resume();
  }
});
