'use strict';
// closing the server from the last socket's 'close': the server's comes from the ticks of that
const { net, log, markers, HOST } = require('./_h');

const s = net.createServer((c) => {
  c.resume().on('close', () => { log('peer', 'close'); s.close(() => log('server', 'close')); markers('main'); });
});
s.listen(0, HOST, () => net.connect(s.address().port, HOST, function () { this.end(); }).resume());
