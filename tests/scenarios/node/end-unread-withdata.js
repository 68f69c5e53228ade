'use strict';
// a server socket without a 'data' listener never emits 'end' while bytes wait; resume() releases it
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c, 'end finish close');
  setTimeout(() => { log('peer', 'resume', c.readableLength, c.bytesRead); c.resume(); process.nextTick(() => log('main', 'nextTick')); }, 30);
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.end('unread'));
  c.resume();
});
