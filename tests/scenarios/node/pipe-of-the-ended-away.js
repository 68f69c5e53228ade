'use strict';
// a pipe from a source that has ended: what it does to its destination is not undone by unpipe
const { net, log, HOST } = require('./_h');

const s = net.createServer((p) => { s.close(); p.end(); p.resume(); });
s.listen(0, HOST, () => {
  const c = net.connect({ port: s.address().port, host: HOST, allowHalfOpen: true });
  const ends = new net.Socket(), stays = new net.Socket();
  c.resume().on('end', () => {
    c.pipe(ends);
    c.unpipe(ends);
    c.pipe(stays, { end: false });
    log('piped', c.isPaused());
    setImmediate(() => {
      log('ended', ends.writableEnded, stays.writableEnded, c.isPaused());
      c.destroy();
    });
  });
});
