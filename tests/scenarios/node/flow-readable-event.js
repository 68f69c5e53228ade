'use strict';
// 'readable' and read(): the end comes once read() has returned null
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c, 'end close');
  c.on('readable', () => {
    log('peer', 'readable', c.readableLength);
    let chunk;
    while ((chunk = c.read()) !== null) log('peer', 'read', chunk.toString());
    log('peer', 'null');
  });
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.end('hello'));
  c.resume();
});
