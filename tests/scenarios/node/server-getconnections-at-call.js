'use strict';
// getConnections answers what was so when it was called
const { net, log, HOST } = require('./_h');

const s = net.createServer((c) => {
  s.getConnections((e, n) => log('before', n));
  c.destroy();
  s.getConnections((e, n) => log('after', n));
  s.close();
});
s.listen(0, HOST, () => net.connect(s.address().port, HOST).resume().on('error', () => {}));
