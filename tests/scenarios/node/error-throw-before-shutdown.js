'use strict';
// ticks that an exception left wait for the shutdown, which is a callback
const { net, log, watch, HOST } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
const s = net.createServer({ allowHalfOpen: true }, (c) => {
  s.close();
  watch('peer', c, 'prefinish finish close').on('data', () => {
    c.end();
    process.nextTick(() => log('tick'));
    throw new Error('in data');
  });
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => setTimeout(() => c.write('x'), 20));
  c.resume();
});
