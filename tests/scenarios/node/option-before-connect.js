'use strict';
// setNoDelay, setKeepAlive, setTimeout, ref and unref before connect return this, and are kept
const { net, log, HOST } = require('./_h');

const s = net.createServer((c) => { c.end().resume(); s.close(); });
s.listen(0, HOST, () => {
  const c = new net.Socket();
  log('this', c.setNoDelay() === c, c.setKeepAlive(true, 1000) === c, c.setTimeout(5000) === c, c.unref() === c, c.ref() === c);
  c.connect(s.address().port, HOST, () => log('client', 'connect', c.timeout));
  c.resume().on('close', () => log('client', 'close', c.timeout));
});
