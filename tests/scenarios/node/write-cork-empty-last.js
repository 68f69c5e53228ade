'use strict';
// a corked batch that ends in empty chunks and leaves in parts: each of these takes a turn more
const { net, log, sockPath } = require('./_h');

const s = net.createServer((p) => {
  s.close();
  p.pause();
  setTimeout(() => p.resume(), 30);
  let n = 0;
  p.on('data', (d) => { n += d.length; if (n === 220000) log('peer has all'); });
});
s.listen(sockPath(), () => {
  const c = net.connect(s.address(), () => {
    c.cork();
    c.write(Buffer.alloc(220000));
    c.write('');
    c.write('');
    c.write('', () => { log('written'); c.destroy(); });
    c.uncork();
    log('owed', c.writableLength);
  });
});
