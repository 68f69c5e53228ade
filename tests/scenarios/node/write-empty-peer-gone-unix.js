'use strict';
// an empty write that was held back for a connection whose peer has gone meanwhile: the kernel is asked, and refuses it
const { net, log, watch, sockPath } = require('./_h');

const s = net.createServer((p) => { p.destroy(); s.close(); });
s.listen(sockPath(), () => {
  const c = watch('client', net.connect(s.address()), 'connect end finish error close').resume();
  c.write('', (e) => log('cb', e ? e.code : 'null'));
});
