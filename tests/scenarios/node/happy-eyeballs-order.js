'use strict';
// two v4 addresses (one twice) and one v6: families alternate, beginning with the first's; each is tried once
const { net, log, watch, closedPort } = require('./_h');

closedPort((port) => {
  const lookup = (host, options, cb) => process.nextTick(cb, null, [
    { address: '127.0.0.1', family: 4 }, { address: '127.0.0.2', family: 4 },
    { address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 },
  ]);
  const c = watch('client', net.connect({ port, host: 'many.test', lookup }), 'lookup connectionAttempt connectionAttemptFailed error close');
  c.on('error', (e) => log('props', e.name, e.code, e.errors.length));
});
