'use strict';
// a destination that finishes or closes is unpiped in its place among the listeners
const { net, log, HOST } = require('./_h');

const s = net.createServer((p) => {
  s.close();
  const one = new net.Socket(), two = new net.Socket();
  one.on('finish', () => log('finish', 'earlier', p.readableFlowing));
  p.pipe(one);
  one.on('finish', () => { log('finish', 'later', p.readableFlowing); p.pipe(two); two.destroy(); });
  two.on('close', () => log('close', 'earlier', p.readableFlowing));
  p.on('resume', () => {});
  one.end();
  two.on('pipe', () => two.on('close', () => { log('close', 'later', p.readableFlowing); p.destroy(); }));
});
s.listen(0, HOST, () => { net.connect(s.address().port, HOST).resume().on('error', () => {}); });
