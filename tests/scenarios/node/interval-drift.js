'use strict';
// the next run counts from the start of the callback: 200 ms with 150 ms of work keep about 200 ms
const { log, busy } = require('./_h');

const start = Date.now();
let n = 0;
const i = setInterval(() => {
  if (++n === 4) { clearInterval(i); const all = Date.now() - start; log('four-runs', all >= 780 && all < 1100); return; }
  busy(150);
}, 200);
