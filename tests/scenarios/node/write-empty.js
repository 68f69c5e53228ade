'use strict';
// write('') calls back, returns true and sends nothing
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => { watch('peer', c, 'data end'); s.close(); });
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => {
    log('write', c.write('', () => log('cb')), c.bytesWritten, c.writableLength);
    process.nextTick(() => log('main', 'nextTick'));
    setImmediate(() => c.end());
  });
  c.resume();
});
