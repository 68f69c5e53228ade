'use strict';
// unshift() after the end has been told destroys the socket with an error
const { net, watch, log, HOST } = require('./_h');

const s = net.createServer({ allowHalfOpen: true }, (c) => {
  s.close();
  watch('peer', c, 'data end finish error close');
  c.on('end', () => setImmediate(() => {
    c.unshift('late');
    log('after', c.destroyed, c.readableLength);
    c.unshift('later');
  }));
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.end('hi'));
  c.resume();
  c.on('error', () => {});
});
