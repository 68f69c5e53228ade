'use strict';
// listeners that are taken away while their event is emitted are called once more; one that is added
// meanwhile is not called yet
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c, 'end close');
  const second = () => log('second');
  const late = () => log('late');
  c.on('data', (d) => {
    log('first', d.toString());
    c.off('data', second);
    c.off('data', late);
    c.on('data', late);
    c.write('+');
  });
  c.once('data', second);
  c.on('data', second);
  c.on('data', () => log('third'));
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.write('one'));
  let count = 0;
  c.on('data', () => (++count === 3 ? c.end() : c.write('more')));
});
