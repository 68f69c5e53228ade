'use strict';
// a pipe that a listener of 'finish' begins is not undone by that 'finish'
const { net, log, HOST } = require('./_h');

const s = net.createServer((p) => {
  s.close();
  const one = new net.Socket();
  one.on('finish', () => {
    p.pipe(one);
    setImmediate(() => { log('flows', p.readableFlowing); p.destroy(); });
  });
  one.end();
});
s.listen(0, HOST, () => { net.connect(s.address().port, HOST).resume().on('error', () => {}); });
