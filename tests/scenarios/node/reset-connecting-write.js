'use strict';
// resetAndDestroy() while connecting stands among the listeners of 'connect': a later write never leaves, an earlier one does
const { net, log, watch, HOST } = require('./_h');

let n = 0;
const s = net.createServer((c) => {
  c.on('data', (d) => log('peer', 'data', d.toString())).on('error', (e) => log('peer', 'error', e.code));
  if (++n === 1) return;
  s.close();
});
s.listen(0, HOST, () => {
  const c = watch('late', net.connect(s.address().port, HOST), 'connect ready close');
  c.resetAndDestroy();
  c.write('late', (e) => log('late', 'cb', e.code));
  c.on('close', () => {
    const d = watch('early', net.connect(s.address().port, HOST), 'connect ready close');
    d.write('early', (e) => log('early', 'cb', e ? e.code : 'null'));
    d.resetAndDestroy();
  });
});
