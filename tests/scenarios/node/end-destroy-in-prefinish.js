'use strict';
// destroy() in 'prefinish': 'finish' comes all the same
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => { c.resume(); s.close(); });
s.listen(0, HOST, () => {
  const c = watch('client', net.connect(s.address().port, HOST), 'prefinish finish error close');
  c.on('prefinish', () => { c.destroy(); process.nextTick(() => log('main', 'nextTick', c.writableFinished)); });
  c.resume().on('connect', () => c.end((e) => log('end-cb', e ? e.code : 'null')));
});
