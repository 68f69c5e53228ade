'use strict';
// a path longer than 107 bytes: EINVAL
const { net, log, watchServer, sockPath } = require('./_h');

const s = watchServer(net.createServer());
s.listen(sockPath('x'.repeat(120)));
s.on('error', (e) => log('props', e.code, e.syscall, s.listening));
