'use strict';
// one local port for two connections, and what errors say of the local side
const { net, log, closedPort, HOST } = require('./_h');

const s = net.createServer((c) => c.resume()).listen(0, HOST, () => {
  const t = net.createServer((c) => c.resume()).listen(0, HOST, () => {
    const first = net.connect({ port: s.address().port, host: HOST, localAddress: HOST }, () => {
      const { localPort } = first;
      const local = { host: HOST, localAddress: HOST, localPort };
      const second = net.connect({ port: t.address().port, ...local }, () => {
        log('second', second.localPort === localPort);
        for (const it of [first, second]) it.destroy();
        for (const it of [s, t]) it.close();
        closedPort((port) => refused(port, localPort));
      });
    });
  });
});

function refused(port, localPort) {
  net.connect({ port, host: HOST, localPort }).on('error', (e) => {
    const message = e.message.replace(`:${port} `, ':PORT ').replace(`:${localPort})`, ':LOCAL)');
    log(message, e.localAddress, e.localPort === localPort);
    net.connect({ port, host: HOST, localAddress: '::1' }).on('error', (e) => {
      log(e.message, e.code, String(e.port));
    });
  });
}
