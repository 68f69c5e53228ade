'use strict';
// Node's own listeners: of a first write before the connection, of resetAndDestroy and of destroySoon; they go with what they wait for
const { net, log, HOST } = require('./_h');

const counts = (when, c, ...events) => log(when, ...events.map((e) => c.listenerCount(e)));
let left = 3;
const s = net.createServer((c) => {
  c.resume().on('error', () => {});
  if (--left === 0) s.close();
});
s.listen(0, HOST, () => {
  for (const way of ['destroySoon', 'resetAndDestroy', 'removeAllListeners']) {
    const c = net.connect(s.address().port, HOST);
    c.resume();
    counts(way, c, 'connect', 'close', 'finish');
    c.write('x');
    c.write('y', (e) => log(way, 'cb', e ? e.code : 'null'));
    counts(way, c, 'connect', 'close', 'finish');
    if (way === 'destroySoon') c.destroySoon();
    if (way === 'resetAndDestroy') c.resetAndDestroy();
    if (way === 'removeAllListeners') c.removeAllListeners('connect');
    counts(way, c, 'connect', 'close', 'finish');
    c.on('connect', () => {
      counts(`${way} in connect`, c, 'close', 'finish');
      if (way === 'removeAllListeners') c.destroy();
    });
    c.on('close', () => counts(`${way} in close`, c, 'finish'));
  }
});
