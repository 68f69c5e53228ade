'use strict';
// destroy() in 'end': our half is not ended then
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => {
  watch('peer', c, 'end finish').resume().on('end', () => c.destroy());
  c.on('close', () => log('peer', 'close', c.writableEnded, c.writableFinished));
  s.close();
});
s.listen(0, HOST, () => { const c = net.connect(s.address().port, HOST, () => c.end()); c.resume(); });
