'use strict';
// an 'error' without a listener is an uncaught exception; 'close' still follows
const { net, log, HOST, closedPort } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.code, e.syscall));
closedPort((port) => {
  const c = net.connect(port, HOST);
  c.on('close', (e) => log('client', 'close', e));
  c.on('connectionAttemptFailed', () => { process.nextTick(() => log('main', 'nextTick')); });
});
