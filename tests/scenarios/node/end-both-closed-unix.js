'use strict';
// peers that are gone, not only their halves: 'finish' comes right behind 'end', before what else is ready in the turn
const { net, log, watch, sockPath } = require('./_h');

const peers = [];
const s = net.createServer((p) => {
  peers.push(p);
  if (peers.length < 2) return;
  s.close();
  setTimeout(() => { for (const p of peers) p.destroy(); }, 20);
});
s.listen(sockPath(), () => {
  for (const name of ['a', 'b']) {
    const c = watch(name, net.connect(s.address()), 'end prefinish finish close').resume();
    c.on('end', () => { process.nextTick(() => log(name, 'nextTick')); setImmediate(() => log(name, 'immediate')); });
  }
});
