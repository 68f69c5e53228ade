'use strict';
// destroy() of a never-connected socket: 'close' from nextTick with an undefined argument; 'error' before it
const { net, log, watch, markers } = require('./_h');

const a = watch('plain', new net.Socket());
a.destroy();
log('plain', 'destroyed', a.destroyed, a.readyState);
const b = watch('failed', new net.Socket());
b.destroy(new Error('mine'));
markers('main');
