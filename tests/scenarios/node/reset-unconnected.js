'use strict';
// resetAndDestroy() without a handle: 'error' ERR_SOCKET_CLOSED
const { net, log, watch } = require('./_h');

const c = watch('client', new net.Socket());
log('this', c.resetAndDestroy() === c, c.destroyed);
