'use strict';
// client end() with the defaults on both sides, over a unix path
const { net, watch, log, sockPath } = require('./_h');

const s = net.createServer((c) => { watch('peer', c); s.close(() => log('server', 'close')); });
s.listen(sockPath(), () => {
  const c = watch('client', net.connect(s.address()));
  c.on('connect', () => c.end());
});
