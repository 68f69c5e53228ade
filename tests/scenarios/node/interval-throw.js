'use strict';
// an interval whose callback throws goes on
const { log } = require('./_h');

process.on('uncaughtException', (e) => log('uncaughtException', e.message));
let n = 0;
const i = setInterval(() => {
  log('interval', ++n);
  process.nextTick(() => log('tick', n));
  if (n === 3) clearInterval(i);
  throw new Error('run ' + n);
}, 5);
