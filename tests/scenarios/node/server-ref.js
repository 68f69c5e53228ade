'use strict';
// ref() after unref() holds the loop again
const { net, log, HOST } = require('./_h');

const s = net.createServer();
s.listen(0, HOST, () => {
  s.unref().ref();
  setTimeout(() => { log('still-here', s.listening); s.close(() => log('server', 'close')); }, 20).unref();
});
