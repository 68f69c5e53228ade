'use strict';
// 'close' of a server without connections comes from nextTick, not from the close phase
const { net, log, markers, HOST } = require('./_h');

const s = net.createServer();
s.listen(0, HOST, () => {
  s.on('close', () => log('server', 'close'));
  process.nextTick(() => log('main', 'before'));
  s.close(() => log('cb'));
  log('main', 'listening', s.listening, s.address());
  markers('main');
});
