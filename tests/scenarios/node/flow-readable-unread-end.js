'use strict';
// 'readable' without read(): no 'end' until the bytes are taken
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c, 'end close');
  let n = 0;
  c.on('readable', () => {
    log('peer', 'readable', ++n, c.readableLength);
    if (n === 1) setTimeout(() => { log('peer', 'takes', String(c.read())); log('peer', 'again', String(c.read())); }, 40);
  });
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => { c.write('hello'); setTimeout(() => c.end(), 20); });
  c.resume();
});
