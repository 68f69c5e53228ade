'use strict';
// with a host both listen() calls pass, as there is no handle yet: both callbacks run on one 'listening'
const { net, log, watchServer, HOST } = require('./_h');

const s = watchServer(net.createServer());
s.listen(0, HOST, () => log('first'));
s.listen(0, '127.0.0.2', () => { log('second', s.address().address); s.close(); });
