'use strict';
// once('readable') said again by its own listener waits for more; what unshift() puts back within
// the listener is told of with the next bytes only
const { net, log, HOST } = require('./_h');

const s = net.createServer((c) => {
  s.close();
  const take = () => {
    const two = c.read(2);
    log('readable', two === null ? two : two.toString(), c.readableLength);
    if (two === null) c.once('readable', take);
    else more();
    process.nextTick(() => log('flowing', c.readableFlowing));
  };
  const more = () => {
    c.on('readable', () => {
      const one = c.read(1);
      log('more', one && one.toString(), c.readableLength);
      if (one.toString() === 'x') c.unshift('y');
      if (one.toString() === 'z') c.destroy();
    });
  };
  c.once('readable', take);
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST);
  c.resume();
  const parts = ['a', 'b', 'xz', 'w'];
  const timer = setInterval(() => {
    if (parts.length) { c.write(parts.shift()); return; }
    clearInterval(timer);
    c.end();
  }, 20);
});
