'use strict';
// without a host the server takes IPv4 clients as ::ffff:127.0.0.1, and IPv6 ones as ::1
const { net, log } = require('./_h');

let n = 0;
const s = net.createServer((c) => {
  log('peer', c.remoteAddress, c.remoteFamily, c.localAddress);
  c.end().resume();
  if (++n === 2) s.close();
});
s.listen(0, () => {
  const { port } = s.address();
  log('address', s.address().address, s.address().family);
  net.connect(port, '127.0.0.1').resume().on('close', () => net.connect(port, '::1').resume());
});
