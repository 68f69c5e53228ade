'use strict';
// 'readable' of an empty end: 'end' follows though nobody reads
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c, 'end finish close').on('readable', () => log('peer', 'readable', c.readableLength));
  s.close();
});
s.listen(0, HOST, () => { const c = net.connect(s.address().port, HOST, () => c.end()); c.resume(); });
