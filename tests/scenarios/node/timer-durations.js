'use strict';
// different durations run by expiry; what expires together by the making of the list
const { log, busy } = require('./_h');

for (const ms of [9, 3, 7, 1, 5, 3, 9, 1]) setTimeout(() => log('timer', ms), ms);
busy(30);
