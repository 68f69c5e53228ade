'use strict';
// an 'error' whose only listener was taken away is uncaught
const { net, log, watch } = require('./_h');

process.on('uncaughtException', (e) => log('uncaught', e.message));
const onError = (e) => log('heard', e.message);
for (const way of ['off', 'all', 'neither']) {
  const c = watch(way, new net.Socket(), 'close');
  c.on('error', onError);
  if (way === 'off') c.off('error', onError);
  if (way === 'all') c.removeAllListeners('error');
  c.destroy(new Error(way));
}
