'use strict';
// listen on a taken port: 'error' from nextTick, no 'close', not listening; the server can be used again
const { net, log, watchServer, HOST } = require('./_h');

const a = net.createServer();
a.listen(0, HOST, () => {
  const { port } = a.address();
  const b = watchServer(net.createServer(), 'b');
  b.listen(port, HOST, () => log('b', 'listen-callback'));
  b.once('error', (e) => {
    log('props', e.code, e.errno, e.syscall, e.address, e.port === port, e.message.replace(String(port), 'PORT'));
    log('b', 'listening', b.listening, b.address());
    b.listen(0, HOST, () => { log('b', 'second-callback'); b.close(); a.close(); });
  });
  process.nextTick(() => process.nextTick(() => log('main', 'tick-of-tick')));
});
