'use strict';
// end('') after end() is a write after end, too
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => { c.resume(); s.close(); });
s.listen(0, HOST, () => {
  const c = watch('client', net.connect(s.address().port, HOST), 'finish error close');
  c.resume().on('connect', () => {
    c.end();
    c.end('', (e) => log('cb', e.code));
    log('main', c.destroyed, c.writableEnded);
  });
});
