'use strict';
// removeAllListeners of one event, from within it and from outside
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  log('first connection');
  s.removeAllListeners('connection');
  s.on('connection', (c) => { log('added'); c.resume().end(); s.close(); });
  c.resume().end();
  c.on('close', () => log('gone')).removeAllListeners('close');
  c.on('close', () => {
    log('close');
    c.removeAllListeners('close');
    log('listeners', c.listenerCount('close'));
    net.connect(s.address().port, HOST).resume();
  });
  c.on('close', () => log('close, too'));
});
s.on('connection', () => log('second connection'));
s.on('close', () => log('server close'));
s.listen(0, HOST, () => net.connect(s.address().port, HOST).resume());
