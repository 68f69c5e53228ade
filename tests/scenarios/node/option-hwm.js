'use strict';
// createServer({highWaterMark}) sets both marks of accepted sockets; a client takes highWaterMark too
const { net, log, HOST } = require('./_h');

const s = net.createServer({ highWaterMark: 1000 }, (c) => {
  log('peer', c.readableHighWaterMark, c.writableHighWaterMark);
  c.end().resume();
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect({ port: s.address().port, host: HOST, highWaterMark: 5 });
  log('client', c.readableHighWaterMark, c.writableHighWaterMark);
  log('write', c.write('1234'), c.write('5'), c.writableNeedDrain, c.writableLength);
  c.resume().on('drain', () => log('client', 'drain'));
});
