'use strict';
// the timeout option of connect() starts before the connection
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => { c.resume(); s.close(); });
s.listen(0, HOST, () => {
  const c = net.connect({ port: s.address().port, host: HOST, timeout: 40 });
  log('client', 'timeout', c.timeout);
  watch('client', c, 'connect timeout end close').resume();
  c.on('timeout', () => c.end());
});
