'use strict';
// destroy() with a request in flight and a write and an end behind it: what each callback is told, and when
const { net, log, watch, markers, HOST } = require('./_h');

const s = net.createServer({ pauseOnConnect: true }, (c) => { c.on('error', () => {}); s.close(); setTimeout(() => c.destroy(), 50); });
s.listen(0, HOST, () => {
  const c = watch('client', net.connect(s.address().port, HOST), 'finish error close');
  c.on('connect', () => {
    c.write(Buffer.alloc(16 << 20), (e) => log('cb-1', e.code, e.syscall));
    c.write('two', (e) => log('cb-2', e.code));
    c.end((e) => log('end-cb', e.code));
    c.destroy();
    log('client', 'after', c.writableLength, c.destroyed);
    markers('main');
  });
});
