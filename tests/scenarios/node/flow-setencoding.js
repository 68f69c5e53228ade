'use strict';
// setEncoding('utf8'): a character split over two packets comes whole, with the second
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c.setEncoding('utf8'), 'end');
  c.on('data', (d) => { log('peer', 'got', d, c.bytesRead); c.write('.'); });
  s.close();
});
s.listen(0, HOST, () => {
  const euro = Buffer.from('€');
  const c = net.connect(s.address().port, HOST, () => c.write(Buffer.concat([Buffer.from('a'), euro.subarray(0, 2)])));
  c.once('data', () => c.end(Buffer.concat([euro.subarray(2), Buffer.from('b')]))).resume();
});
