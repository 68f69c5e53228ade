'use strict';
// one of two listeners of 'readable' goes: the other one goes on reading, and 'data' stays silent
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c, 'end close');
  const first = () => {
    log('first', c.readableLength);
    c.off('readable', first);
  };
  c.on('readable', first);
  c.on('readable', () => {
    const chunk = c.read();
    log('second', chunk === null ? 'null' : chunk.toString());
    c.write('+');
  });
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.write('one'));
  c.once('data', () => c.end('two'));
});
