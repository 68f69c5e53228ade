'use strict';
// two clients of two servers that connect in one callback: the servers are told first
const { net, log, HOST } = require('./_h');

const end = (c) => c.end().resume();
const s = net.createServer((c) => { log('first server'); end(c); });
const t = net.createServer((c) => { log('second server'); end(c); });
s.listen(0, HOST, () => t.listen(0, HOST, () => setImmediate(() => {
  [s, t].forEach((server, n) => {
    net.connect(server.address().port, HOST, () => log('client', n)).resume();
  });
})));
let closed = 0;
for (const server of [s, t]) server.on('connection', () => { if (++closed === 2) { s.close(); t.close(); } });
