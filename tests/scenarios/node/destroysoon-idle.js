'use strict';
// destroySoon() with nothing queued: finish, then close, and a second call is harmless
const { net, log, watch, markers, HOST } = require('./_h');

const s = net.createServer((c) => { c.resume(); s.close(); });
s.listen(0, HOST, () => {
  const c = watch('client', net.connect(s.address().port, HOST), 'prefinish end finish error close');
  c.resume().on('connect', () => {
    c.destroySoon();
    c.destroySoon();
    log('client', 'after', c.destroyed, c.readyState);
    markers('main');
  });
});
