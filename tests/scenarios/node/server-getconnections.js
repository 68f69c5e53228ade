'use strict';
// getConnections answers from nextTick; the count falls at destroy(), not at 'close'
const { net, log, HOST } = require('./_h');

const s = net.createServer((c) => {
  s.getConnections((e, n) => log('after-accept', e, n));
  log('sync');
  process.nextTick(() => log('nextTick'));
  c.resume().on('end', () => {
    c.destroy();
    s.getConnections((e, n) => log('after-destroy', e, n));
  });
  c.on('close', () => { log('close'); s.close(); });
});
s.listen(0, HOST, () => { net.connect(s.address().port, HOST, function () { this.end(); }).resume(); });
