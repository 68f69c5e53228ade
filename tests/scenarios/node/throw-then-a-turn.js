'use strict';
// a turn follows each exception that was handled, whatever is left
const { log } = require('./_h');

process.on('uncaughtException', (e) => log('uncaught', e.message));
setTimeout(() => { setImmediate(() => log('immediate')).unref(); throw new Error('thrown'); }, 1);
