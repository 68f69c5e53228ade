'use strict';
// setEncoding() while bytes wait converts them
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer({ pauseOnConnect: true }, (c) => {
  watch('peer', c, 'end');
  c.read(0);
  setTimeout(() => {
    log('peer', 'waits', c.readableLength);
    c.setEncoding('hex');
    log('peer', 'waits', c.readableLength);
    c.on('data', (d) => log('peer', 'got', d));
    c.resume();
  }, 30);
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.end('hey'));
  c.resume();
});
