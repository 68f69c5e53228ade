'use strict';
// setTimeout(0) inside a timer's callback: not in the same pass
const { log, busy } = require('./_h');

setTimeout(() => { log('a'); setTimeout(() => log('nested'), 0); setImmediate(() => log('immediate')); }, 1);
setTimeout(() => log('b'), 1);
setTimeout(() => log('c'), 4);
busy(10);
