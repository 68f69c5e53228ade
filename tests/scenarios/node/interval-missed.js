'use strict';
// a loop blocked for 100 ms gives one late run of a 10 ms interval, not ten
const { log, busy } = require('./_h');

setTimeout(() => {
  let n = 0;
  const i = setInterval(() => { n++; log('interval', n); if (n === 2) clearInterval(i); }, 10);
  setImmediate(() => log('immediate'));
  busy(100);
  setTimeout(() => log('timeout'), 1);
}, 1);
