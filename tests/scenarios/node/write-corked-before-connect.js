'use strict';
// what is corked before connect waits for it, and fails where it is uncorked without one
const { net, log, data, HOST } = require('./_h');

const s = net.createServer((p) => { s.close(); p.on('data', (d) => data('peer', d)); });
s.listen(0, HOST, () => {
  const c = new net.Socket();
  c.cork();
  log('write', c.write('hello'), c.writableLength);
  c.connect(s.address().port, HOST, () => { log('connect'); c.uncork(); c.end(); });
  c.resume();
});
const c = new net.Socket();
c.on('error', (e) => log('error', e.code)).on('close', (e) => log('close', e));
c.cork();
log('write', c.write('lost', (e) => log('cb', e.code)), c.writableLength);
c.uncork();
log('uncorked', c.writableLength, c.destroyed);
