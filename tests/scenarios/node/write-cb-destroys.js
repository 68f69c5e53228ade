'use strict';
// a write callback that ends, then destroys: the end callback follows it at once, before ticks
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => { c.resume(); s.close(); });
s.listen(0, HOST, () => {
  const c = watch('client', net.connect(s.address().port, HOST), 'finish error close');
  c.resume().on('connect', () => {
    c.write('x', () => {
      log('client', 'cb');
      process.nextTick(() => log('main', 'nextTick'));
      c.destroy();
    });
    c.end((e) => log('client', 'end-cb', e ? e.code : 'null'));
  });
});
