'use strict';
// a proxy of two pipes: both ends propagate
const { net, log, watch, HOST } = require('./_h');

const origin = net.createServer((c) => {
  c.on('data', (d) => { log('origin', 'got', d.toString()); c.write('answer'); });
  c.on('end', () => log('origin', 'end'));
  origin.close();
});
const proxy = net.createServer((c) => {
  const up = net.connect(origin.address().port, HOST);
  c.pipe(up);
  up.pipe(c);
  up.on('close', () => log('up', 'close'));
  proxy.close();
});
origin.listen(0, HOST, () => proxy.listen(0, HOST, () => {
  const c = net.connect(proxy.address().port, HOST, () => c.write('question'));
  c.on('data', (d) => { log('client', 'got', d.toString()); c.end(); });
  c.on('end', () => log('client', 'end')).on('close', (e) => log('client', 'close', e));
}));
