'use strict';
// an unref'd immediate runs when something else holds the loop for that turn
const { log } = require('./_h');

setImmediate(() => log('unref')).unref();
setImmediate(() => log('ref'));
setImmediate(() => log('last')).unref();
