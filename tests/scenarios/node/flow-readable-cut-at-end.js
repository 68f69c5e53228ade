'use strict';
// a character that is cut by the end comes with it, and `readable` tells of both at once
const { net, log, HOST } = require('./_h');

const s = net.createServer((c) => {
  s.close();
  c.setEncoding('utf8').on('readable', () => log('readable', c.readableLength));
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => {
    c.write(Buffer.from('e282ac61e282', 'hex'));
    setTimeout(() => { c.end(); setTimeout(() => c.destroy(), 20); }, 20);
  });
  c.resume();
});
