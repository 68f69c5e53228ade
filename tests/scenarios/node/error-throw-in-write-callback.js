'use strict';
// two writes fail together, and the callback of the first throws: the second is not called back, nor is the socket destroyed
const { net, log } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
const c = new net.Socket();
c.on('error', (e) => log('error', e.code)).on('close', () => log('close'));
c.cork();
c.write('x', (e) => {
  log('first', e.code);
  throw new Error('thrown');
});
c.write('y', (e) => log('second', e.code));
c.uncork();
setImmediate(() => log('destroyed', c.destroyed));
