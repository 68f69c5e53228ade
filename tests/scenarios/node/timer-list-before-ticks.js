'use strict';
// a list is closed, or put off to its next timer, before the ticks of its last callback: what those
// start stands in a new list, or has its place behind
const { log, busy } = require('./_h');

let n = 0;
const interval = setInterval(() => {
  process.nextTick(() => { busy(20); setTimeout(() => log('of the interval'), 20); });
  log('interval');
  if (++n === 2) clearInterval(interval);
}, 40);
setTimeout(() => {
  setTimeout(() => process.nextTick(() => {
    setTimeout(() => log('first made'), 40);
    busy(20);
    setTimeout(() => log('then made'), 20);
  }), 40);
}, 200);
