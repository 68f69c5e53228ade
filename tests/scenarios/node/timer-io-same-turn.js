'use strict';
// one turn: the poll's callbacks, then immediates, then 'close', then due timers
const { net, log, busy, HOST } = require('./_h');

const s = net.createServer((c) => {
  s.close();
  c.on('error', () => {}).on('close', () => { log('close'); process.nextTick(() => log('tick-of-close')); });
  log('connection');
  setTimeout(() => log('timer'), 1);
  setImmediate(() => log('immediate'));
  c.destroy();
  busy(5);
});
s.listen(0, HOST, () => net.connect(s.address().port, HOST).resume().on('error', () => {}));
