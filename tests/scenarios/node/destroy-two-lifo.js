'use strict';
// two sockets destroyed in one tick emit 'close' in reverse order
const { net, log, HOST } = require('./_h');

const peers = [];
const s = net.createServer((c) => {
  c.resume().on('close', () => log('peer', 'close', peers.indexOf(c)));
  if (peers.push(c) < 3) return;
  s.close();
  for (const peer of peers) peer.destroy();
});
s.listen(0, HOST, () => {
  for (let i = 0; i < 3; i++) net.connect(s.address().port, HOST).resume();
});
