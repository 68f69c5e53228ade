'use strict';
// listen() without a host binds in the call; 'listening' is emitted from the tick queue
const { net, log } = require('./_h');

const s = net.createServer();
s.on('listening', () => { log('listening'); s.close(); });
process.nextTick(() => log('tick-before'));
s.listen(0);
log('sync', s.listening, s.address().address);
process.nextTick(() => log('tick-after'));
Promise.resolve().then(() => log('microtask'));
setImmediate(() => log('immediate'));
