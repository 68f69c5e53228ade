'use strict';
// an exception where a path cannot be connected to: the other attempt fails first, then come the ticks that were left, and the socket is not destroyed
const { net, log, watch, sockPath } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
for (const name of ['a', 'b']) {
  const c = watch(name, net.connect(sockPath(name)), 'connectionAttemptFailed error close');
  c.on('connectionAttemptFailed', () => {
    process.nextTick(() => log('tick of', name));
    if (name === 'a') throw new Error('in connectionAttemptFailed');
  });
  if (name === 'a') setTimeout(() => { log('destroyed', c.destroyed); c.destroy(); }, 50);
}
