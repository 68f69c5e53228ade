'use strict';
// listen(port, '127.0.0.1') binds in a tick: address() is null directly after it
const { net, log, HOST } = require('./_h');

const s = net.createServer();
s.on('listening', () => { log('listening', s.listening); s.close(); });
process.nextTick(() => log('tick-before'));
s.listen(0, HOST);
log('sync', s.listening, s.address());
process.nextTick(() => log('tick-after', s.listening, s.address()?.address ?? null));
Promise.resolve().then(() => log('microtask'));
