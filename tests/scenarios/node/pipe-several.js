'use strict';
// unpipe removes one pipe to a destination; a source waits for destinations, not for pipes
const { net, log, HOST } = require('./_h');

const room = new net.Socket();
const full = new net.Socket({ highWaterMark: 1 });
full.cork();
full.write('x');
const source = (...to) => { const p = new net.Socket(); for (const it of to) p.pipe(it); return p; };

const twice = source(full, full);
log('both wait', twice.isPaused());
log('one is gone', twice.unpipe(full).isPaused());
log('none is left', twice.unpipe(full).isPaused());
log('a listener is left', source(full, room).on('data', () => {}).unpipe().isPaused());
log('a pipe was left', source(full, room).unpipe().isPaused());
log('the last one waits', source(room, full).unpipe().isPaused());

// one that has drained, of several and alone
const s = net.createServer((p) => { s.close(); p.resume(); });
s.listen(0, HOST, () => {
  const a = net.connect({ port: s.address().port, host: HOST, highWaterMark: 1 });
  a.cork();
  a.write('x');
  const several = source(a, room).on('data', () => {}), alone = source(a).on('data', () => {});
  a.on('drain', () => setImmediate(() => {
    log('drained of several', several.unpipe(room).unpipe(a).isPaused());
    log('drained alone', alone.unpipe(a).isPaused());
    a.destroy();
  }));
  a.on('connect', () => a.uncork());
});
