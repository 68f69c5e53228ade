'use strict';
// close() of a server that never listened: the callback gets ERR_SERVER_NOT_RUNNING, and 'close' is emitted
const { net, log, markers } = require('./_h');

const s = net.createServer();
s.on('close', () => log('server', 'close'));
s.close((e) => log('cb', e.code, e.message));
markers('main', { immediate: false });
