'use strict';
// when the last listener of readable has gone, it is as if nobody had asked, from the next tick on
const { net, log, HOST } = require('./_h');

const s = net.createServer((c) => {
  s.close();
  c.once('readable', () => {
    log('readable', c.read(1).toString(), c.readableFlowing);
    process.nextTick(() => {
      log('tick', c.readableFlowing);
      c.on('data', (d) => { log('data', d.toString()); c.destroy(); });
      log('then', c.readableFlowing);
    });
  });
  log('at first', c.readableFlowing);
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.write('abc'));
  c.resume();
  c.on('error', () => {});
});
