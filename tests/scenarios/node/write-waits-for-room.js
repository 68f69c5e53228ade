'use strict';
// of a write that has left in part the rest waits for room (a third of what the kernel keeps), and for nothing else
const { net, log, watch, sockPath } = require('./_h');

const s = net.createServer({ highWaterMark: 110000 }, (p) => {
  s.close();
  p.pause().read(0);
  let n = 0;
  const knock = () => {
    if (p.readableLength < 110000) return setTimeout(knock, 5);
    p.write('x');
    if (++n < 3) return setTimeout(knock, 10);
    setTimeout(() => { log('peer resume'); p.resume(); }, 10);
  };
  knock();
  p.on('end', () => log('peer end'));
});
s.listen(sockPath(), () => {
  const c = net.connect(s.address());
  c.write('', () => {
    log('write', c.write(Buffer.alloc(220000), () => { log('written'); c.end(); }));
  });
  watch('client', c, 'data drain');
});
