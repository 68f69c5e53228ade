'use strict';
// bytes written by a connection listener reach a socket of the same loop in the next turn, behind what the first turn still has to do
const { net, log, watch, HOST } = require('./_h');

let count = 0;
const s = net.createServer((c) => {
  count += 1;
  if (count === 1) return c.resume();
  s.close();
  log('server', 'connection');
  watch('peer', c, 'prefinish finish');
  c.resume();
  c.write('1');
  c.end(() => log('peer', 'end callback'));
});
s.listen(0, HOST, () => {
  const first = net.connect(s.address().port, HOST);
  const second = net.connect(s.address().port, HOST);
  watch('second', second, 'data end');
  second.on('close', () => first.destroy());
});
