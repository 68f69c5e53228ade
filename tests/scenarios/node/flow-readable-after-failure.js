'use strict';
// once a write has failed, nothing more is told of what waits, and nothing is put back
const { net, log, HOST } = require('./_h');

const s = net.createServer({ pauseOnConnect: true }, (p) => {
  s.close();
  p.read(0);
  p.on('error', (e) => log('error', e.code)).on('close', () => log('close'));
  setTimeout(() => {
    p.on('readable', () => log('readable', p.readableLength));
    log('waits', p.readableLength);
    p.end();
    log('write', p.write('late'));
    p.unshift('abc');
    log('now', p.readableLength);
  }, 40);
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.write('1234'));
  c.on('error', () => {}).resume();
});
