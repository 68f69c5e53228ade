'use strict';
// a pause inside data stops the data, not the reading: more comes up to the mark, and a reset is told
const { net, log, data, watch, HOST } = require('./_h');

const until = (ready, go) => (ready() ? go() : setImmediate(until, ready, go));
let c, p;
const s = net.createServer((it) => { s.close(); p = it; p.write('0123456789'); });
s.listen(0, HOST, () => {
  c = net.connect({ port: s.address().port, host: HOST, highWaterMark: 10 });
  watch('client', c, 'end error close');
  until(() => c.readableLength === 10, () => {
    c.on('data', (d) => { data('client', d); c.pause(); });
    p.write('abc');
    until(() => c.bytesRead === 13, () => {
      log('paused', c.isPaused(), 'waits', c.readableLength);
      p.resetAndDestroy();
    });
  });
});
