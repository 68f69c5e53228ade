'use strict';
// onread with one buffer: no 'data' events; returning false pauses
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => { c.write('first'); c.once('data', () => c.end('second')); s.close(); });
s.listen(0, HOST, () => {
  let calls = 0;
  const callback = (n, buffer) => {
    log('onread', n, buffer.toString('latin1', 0, n));
    return ++calls !== 1;
  };
  const c = watch('client', net.connect({ port: s.address().port, host: HOST, onread: { buffer: Buffer.alloc(100), callback } }));
  c.on('connect', () => setTimeout(() => { log('client', 'resume', calls, c.isPaused()); c.write('more'); c.resume(); }, 30));
});
