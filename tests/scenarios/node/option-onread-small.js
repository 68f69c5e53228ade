'use strict';
// onread with a 4-byte buffer and 10 bytes: three calls in one turn
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => { c.end('0123456789'); c.resume(); s.close(); });
s.listen(0, HOST, () => {
  const callback = (n, buffer) => {
    log('onread', n, buffer.toString('latin1', 0, n));
    process.nextTick(() => log('nextTick'));
    setImmediate(() => log('immediate'));
    return true;
  };
  watch('client', net.connect({ port: s.address().port, host: HOST, onread: { buffer: Buffer.alloc(4), callback } }), 'end close');
});
