'use strict';
// the drain of what others wrote to a destination does not let a paused source flow
const { net, log, HOST } = require('./_h');

const s = net.createServer((p) => { s.close(); p.resume().on('error', () => {}); });
s.listen(0, HOST, () => {
  const a = net.connect({ port: s.address().port, host: HOST });
  const source = new net.Socket();
  source.pipe(a);
  source.pause();
  a.on('drain', () => setImmediate(() => { log('drained', source.isPaused()); a.destroy(); }));
  log('written', a.write(Buffer.alloc(100000)));
});
