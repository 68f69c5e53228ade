'use strict';
// once('readable') that looks at the head and puts it back, then 'data' for the rest
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c, 'end close').once('readable', () => {
    const head = c.read(2);
    log('peer', 'head', head.toString());
    c.unshift(head);
    c.on('data', (d) => log('peer', 'data', d.toString()));
    log('peer', 'flowing', c.readableFlowing);
  });
  s.close();
});
s.listen(0, HOST, () => { const c = net.connect(s.address().port, HOST, () => c.end('hello')); c.resume(); });
