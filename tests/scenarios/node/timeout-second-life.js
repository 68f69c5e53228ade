'use strict';
// an idle timeout ends with the connection: the next one has none, though the property stays
const { net, log, HOST } = require('./_h');

const s = net.createServer((peer) => { peer.on('error', () => {}).resume(); });
s.listen(0, HOST, () => {
  const { port } = s.address();
  const c = net.connect(port, HOST, () => { c.setTimeout(40); c.destroy(); });
  c.on('timeout', () => log('timeout'));
  c.once('close', () => {
    c.connect(port, HOST, () => {
      log('again', c.timeout);
      setTimeout(() => { c.destroy(); s.close(); }, 100);
    });
  });
});
