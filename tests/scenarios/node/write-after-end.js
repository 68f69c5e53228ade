'use strict';
// write after end(): false; its callback, then 'error' and close(true); earlier bytes still arrive
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => { watch('peer', c, 'data end error close'); s.close(); });
s.listen(0, HOST, () => {
  const c = watch('client', net.connect(s.address().port, HOST), 'finish error close');
  c.resume().on('connect', () => {
    c.end('early', (e) => log('end-cb', e ? e.code : 'null'));
    log('write', c.write('late', (e) => log('cb', e.code, e.message)), c.destroyed);
    process.nextTick(() => log('main', 'nextTick'));
  });
});
