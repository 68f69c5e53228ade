'use strict';
// behind the last listener of readable a pipe has the data again
const { net, log, HOST } = require('./_h');

const s = net.createServer((c) => {
  s.close();
  c.pipe(c);
  c.once('readable', () => log('readable', c.readableLength));
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.write('1234'));
  c.on('data', (d) => { log('echo', d.toString()); c.destroy(); });
});
