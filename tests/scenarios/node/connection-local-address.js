'use strict';
// localAddress is honoured: the peer sees it, and so does the client
const { net, log, HOST } = require('./_h');

const s = net.createServer((c) => { log('peer', 'remote', c.remoteAddress); c.end().resume(); s.close(); });
s.listen(0, HOST, () => {
  const c = net.connect({ port: s.address().port, host: HOST, localAddress: '127.0.0.3' }, () => log('client', 'local', c.localAddress));
  c.resume();
});
