'use strict';
// an unfinished character at the end becomes U+FFFD, delivered before 'end'
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c.setEncoding('utf8'), 'end close');
  c.on('data', (d) => log('peer', 'got', d));
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.end(Buffer.from([0x61, 0xe2, 0x82])));
  c.resume();
});
