'use strict';
// which queues are looked at behind an exception, before the loop goes on
const { log, busy } = require('./_h');

process.on('uncaughtException', (e) => log('uncaught', e.message));
const fail = (message) => { throw new Error(message); };
const later = (ms, f) => setTimeout(() => setImmediate(f), ms);

later(0, () => {
  queueMicrotask(() => fail('microtask'));
  queueMicrotask(() => log('next microtask'));
  setImmediate(() => log('immediate'));
});
later(50, () => {
  setTimeout(() => { process.nextTick(() => log('tick')); fail('last of its list'); }, 1);
  setTimeout(() => log('another list'), 2);
  busy(5);
});
later(100, () => {
  setImmediate(() => log('next immediate'));
  setTimeout(() => log('timer'), 1);
  busy(5);
  fail('last immediate');
});
