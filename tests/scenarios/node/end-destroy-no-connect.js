'use strict';
// end() and destroy() of a socket that never connects: the end callback and 'finish' come all the same
const { net, log, watch } = require('./_h');

const c = watch('client', new net.Socket(), 'finish error close');
c.end((e) => log('end-cb', e ? e.code : 'null'));
c.destroy();
