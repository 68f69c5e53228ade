'use strict';
// pipe() from a socket inside its own close: what had ended ends its destination all the same
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => c.end('x'));
s.listen(0, HOST, () => {
  const to = net.connect(s.address().port, HOST);
  watch('to', to, 'prefinish finish close');
  to.resume();
  const from = net.connect(s.address().port, HOST);
  from.resume();
  to.allowHalfOpen = true;
  from.on('close', () => {
    log('from', 'close');
    from.pipe(to);
    setTimeout(() => { s.close(); to.destroy(); }, 30);
  });
});
