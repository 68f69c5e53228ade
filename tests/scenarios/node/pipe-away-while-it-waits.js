'use strict';
// a destination that is unpiped while it wants no more keeps nobody waiting
const { net, log, HOST } = require('./_h');

const s = net.createServer((p) => {
  p.resume().on('error', () => {});
});
s.listen(0, HOST, () => {
  const port = s.address().port;
  const a = net.connect({ port, host: HOST, highWaterMark: 1 });
  const b = net.connect({ port, host: HOST });
  const echo = net.createServer((p) => {
    a.cork();
    p.pipe(a);
    p.pipe(b);
    p.once('data', () => setImmediate(() => {
      log('waits', p.isPaused());
      p.unpipe(a);
      log('unpiped', p.isPaused());
      for (const it of [a, b, p]) it.destroy();
      s.close();
      echo.close();
    }));
  });
  echo.listen(0, HOST, () => { net.connect(echo.address().port, HOST, function () { this.write('x'); }).resume(); });
});
