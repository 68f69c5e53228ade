'use strict';
// read() without a size takes one chunk as it came; with an encoding, all of the text
const { net, log, HOST } = require('./_h');

const s = net.createServer((c) => {
  c.pause().read(0);
  c.on('end', () => log('peer', 'end'));
  c.write('.');
  setTimeout(() => {
    log('peer', 'waits', c.readableLength);
    log('peer', String(c.read()), c.readableLength);
    log('peer', String(c.read(2)), c.readableLength);
    c.setEncoding('utf8');
    c.unshift('x');
    log('peer', c.read(), c.readableLength);
    log('peer', c.read());
  }, 60);
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.write('one'));
  c.once('data', () => setTimeout(() => { c.write('two'); setTimeout(() => c.end('three'), 10); }, 10)).resume();
});
