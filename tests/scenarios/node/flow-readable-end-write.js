'use strict';
// a write in 'readable' of an empty end is called back before 'end'
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c, 'end close').on('readable', () => {
    log('peer', 'readable');
    c.write('x', () => log('peer', 'cb'));
  });
  s.close();
});
s.listen(0, HOST, () => { const c = net.connect(s.address().port, HOST, () => c.end()); c.resume(); });
