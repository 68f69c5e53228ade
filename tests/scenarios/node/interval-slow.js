'use strict';
// a callback longer than its interval: once per turn, immediates get in between, no burst
const { log, busy } = require('./_h');

let n = 0;
const i = setInterval(() => {
  log('interval', ++n);
  setImmediate(() => log('immediate', n));
  if (n === 3) clearInterval(i);
  busy(20);
}, 5);
