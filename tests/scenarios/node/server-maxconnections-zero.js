'use strict';
// maxConnections 0: everybody is dropped
const { net, log, watchServer, watch, HOST } = require('./_h');

const s = watchServer(net.createServer());
s.maxConnections = 0;
s.listen(0, HOST, () => {
  watch('client', net.connect(s.address().port, HOST)).on('close', () => s.close());
});
