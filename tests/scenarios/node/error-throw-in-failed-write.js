'use strict';
// after a failed write what waits is emitted, and what comes is dropped
const { net, log, sockPath } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
let client;
const play = (left) => {
  if (left.length === 0) return;
  const [mark, throws] = left.pop();
  const path = sockPath(`s${left.length}`);
  const s = net.createServer((peer) => {
    const c = client;
    s.close();
    peer.write('a');
    const poll = setInterval(() => {
      if (c.readableLength === 0) return;
      clearInterval(poll);
      peer.write('b');
      peer.destroySoon();
    }, 1);
    peer.on('close', () => setImmediate(() => c.resume()));
  });
  s.listen(path, () => {
    const c = client = net.connect({ path, readableHighWaterMark: mark, allowHalfOpen: true });
    let count = 0;
    c.pause().on('connect', () => c.read(0));
    c.on('data', (d) => {
      log('data', d.toString());
      c.write('x', (e) => {
        log('written', e.code);
        if (!throws) return;
        if (++count === 1) {
          setImmediate(() => {
            log('read', c.bytesRead, 'waiting', c.readableLength, 'flowing', c.readableFlowing, 'destroyed', c.destroyed);
            c.destroy();
          });
        }
        throw new Error('in a write callback');
      });
    });
    c.on('error', (e) => log('error', e.code)).on('end', () => log('end'));
    c.on('close', () => play(left));
  });
};
play([[65536, true], [1, true], [65536, false], [1, false]]);
