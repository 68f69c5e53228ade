'use strict';
// the only listener of 'data' goes: it flows on, into nothing, until somebody listens again
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c, 'end close resume');
  const onData = (d) => {
    log('data', d.toString());
    c.off('data', onData);
    log('listeners', c.listenerCount('data'), 'flowing', c.readableFlowing);
    process.nextTick(() => log('tick flowing', c.readableFlowing));
    c.write('1');
    setTimeout(() => {
      log('later flowing', c.readableFlowing, c.bytesRead);
      c.on('data', (d) => log('again', d.toString()));
      c.write('2');
    }, 40);
  };
  c.on('data', onData);
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.write('one'));
  c.on('data', (d) => (d.toString() === '1' ? c.write('two') : c.end('three')));
});
