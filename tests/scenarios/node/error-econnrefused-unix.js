'use strict';
// connect to a path whose server died, and to a plain file: ECONNREFUSED, from the pending phase
const { net, fs, watch, sockPath, markers } = require('./_h');

fs.writeFileSync(sockPath('file'), '');
const c = watch('client', new net.Socket(), 'connectionAttemptFailed connect error close');
c.connect(sockPath('file'));
markers('main');
