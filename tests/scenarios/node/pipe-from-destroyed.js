'use strict';
// pipe() from a destroyed socket: its destination is not ended
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => { watch('peer', c, 'data end finish close'); s.close(); });
s.listen(0, HOST, () => {
  const dead = new net.Socket();
  dead.destroy();
  const c = net.connect(s.address().port, HOST, () => {
    dead.pipe(c);
    setImmediate(() => { log('client', c.readyState); c.end('x'); });
  });
  c.resume();
});
