'use strict';
// what was written before a connection that fails: bytesWritten counts the first write on, the others until they are called back
const { net, log, closedPort, HOST } = require('./_h');

closedPort((port) => {
  const c = net.connect({ port, host: HOST });
  c.write(Buffer.alloc(100), (e) => log('cb-1', e.code, c.bytesWritten));
  c.write(Buffer.alloc(20), (e) => log('cb-2', e.code, c.bytesWritten));
  log('written', c.bytesWritten);
  c.on('error', (e) => log('error', e.code, c.bytesWritten));
  c.on('close', () => { log('close', c.bytesWritten); process.nextTick(() => log('main nextTick', c.bytesWritten)); });
});
