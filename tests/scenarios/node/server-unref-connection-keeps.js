'use strict';
// an accepted connection holds the loop although the server is unref'd
const { net, log, HOST } = require('./_h');

const s = net.createServer((c) => {
  s.unref();
  setTimeout(() => { log('still-here'); c.end('bye'); }, 30).unref();
  c.resume().on('close', () => log('peer', 'close'));
});
s.listen(0, HOST, () => {
  net.connect(s.address().port, HOST).unref().resume().on('close', () => log('client', 'close'));
});
process.on('exit', () => log('exit'));
