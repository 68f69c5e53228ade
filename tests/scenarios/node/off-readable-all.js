'use strict';
// removeAllListeners('readable') with bytes that wait: they come as 'data'
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c, 'end close resume');
  c.on('readable', () => {
    log('readable', c.readableLength);
    c.removeAllListeners('readable');
    c.on('data', (d) => log('data', d.toString()));
    log('flowing', c.readableFlowing);
    c.write('+');
  });
  c.on('readable', () => log('both', c.readableLength));
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.write('one'));
  c.on('data', () => c.end('two'));
});
