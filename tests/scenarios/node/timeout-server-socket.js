'use strict';
// a timeout of the accepted socket, then end() from its handler
const { net, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c.setTimeout(30), 'timeout end finish close').resume().on('timeout', () => c.end('too slow'));
  s.close();
});
s.listen(0, HOST, () => watch('client', net.connect(s.address().port, HOST), 'data end close'));
