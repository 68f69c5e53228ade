'use strict';
// after setEncoding() what waits is counted in units of UTF-16
const { net, log, HOST } = require('./_h');

const s = net.createServer({ pauseOnConnect: true }, (c) => {
  s.close();
  c.read(0);
  setTimeout(() => {
    log('bytes', c.readableLength);
    c.setEncoding('utf8');
    log('text', c.readableLength);
    log('taken', c.read(2), c.readableLength);
    c.unshift('\u{1f600}');
    log('put back', c.readableLength);
    c.destroy();
  }, 40);
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.write('éüb\u{1f600}'));
  c.on('error', () => {}).resume();
});
