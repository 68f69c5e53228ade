'use strict';
// the last listener of 'readable' goes: nobody reads, until a listener of 'data' comes
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c, 'end close resume');
  const onReadable = () => {
    log('readable', c.read().toString());
    c.off('readable', onReadable);
    log('flowing', c.readableFlowing);
    process.nextTick(() => {
      log('tick flowing', c.readableFlowing);
      c.on('data', (d) => log('data', d.toString()));
      log('asked flowing', c.readableFlowing);
      c.write('+');
    });
  };
  c.on('readable', onReadable);
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.write('one'));
  c.on('data', () => c.end('two'));
});
