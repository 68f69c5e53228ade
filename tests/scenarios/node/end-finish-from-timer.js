'use strict';
// end() called in the timer phase: 'finish' comes before the immediate queued with it
const { net, log, HOST } = require('./_h');

const s = net.createServer((c) => { c.resume(); s.close(); });
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST);
  c.resume().on('finish', () => log('client', 'finish')).on('connect', () => {
    setTimeout(() => {
      setImmediate(() => log('main', 'immediate'));
      c.end();
      process.nextTick(() => log('main', 'nextTick'));
    }, 10);
  });
});
