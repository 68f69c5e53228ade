'use strict';
// an exception in 'ready': a socket that flows is read from all the same
const { net, log, watch, HOST } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
const s = net.createServer((c) => { c.end('hi').resume(); s.close(); });
s.listen(0, HOST, () => {
  const c = watch('client', net.connect(s.address().port, HOST), 'connect data end close');
  c.on('ready', () => { throw new Error('thrown'); });
});
