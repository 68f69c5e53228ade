'use strict';
// a timer's callback clears another timer of the same pass, and one of another list
const { log, busy } = require('./_h');

setTimeout(() => { log('a'); clearTimeout(b); clearTimeout(d); }, 5);
const b = setTimeout(() => log('b-never'), 5);
setTimeout(() => log('c'), 5);
const d = setTimeout(() => log('d-never'), 6);
setTimeout(() => log('e'), 6);
busy(15);
