'use strict';
// timers that are due before the first turn: one turn follows, whatever they leave
const { log, busy } = require('./_h');

setTimeout(() => setImmediate(() => log('immediate')).unref(), 1);
busy(3);
