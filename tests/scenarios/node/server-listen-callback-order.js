'use strict';
// the listen callback is a once('listening'), called in the order of the listeners
const { net, log, HOST } = require('./_h');

const s = net.createServer();
s.on('listening', () => log('on-before'));
s.listen(0, HOST, () => { log('callback'); s.close(); });
s.on('listening', () => log('on-after'));
s.once('close', () => s.listen(0, HOST, () => { log('second'); s.close(); }));
