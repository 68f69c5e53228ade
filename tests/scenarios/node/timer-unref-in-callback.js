'use strict';
// an interval that lets the loop go in its callback runs no more once nothing else holds it
const { log } = require('./_h');

let n = 0;
const i = setInterval(() => { log('interval', ++n); if (n === 2) i.unref(); }, 50);
const once = setTimeout(() => { log('once'); once.unref(); }, 1);
process.on('exit', () => log('exit', n));
