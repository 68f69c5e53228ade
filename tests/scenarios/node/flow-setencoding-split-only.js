'use strict';
// a packet that only holds the head of a character: no 'data', though bytesRead grows
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c.setEncoding('utf8'), 'end');
  c.on('data', (d) => log('peer', 'got', d, c.bytesRead));
  setTimeout(() => { log('peer', 'bytesRead', c.bytesRead); c.write('.'); }, 30);
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.write(Buffer.from([0xe2, 0x82])));
  c.once('data', () => c.end(Buffer.from([0xac]))).resume();
});
