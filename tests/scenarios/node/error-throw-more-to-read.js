'use strict';
// an exception in 'data' while more bytes wait in the kernel: they come all the same
const { net, log, HOST } = require('./_h');

let caught = 0;
process.on('uncaughtException', () => { caught++; });
const s = net.createServer((c) => {
  let got = 0;
  c.on('data', (d) => { const first = !got; got += d.length; if (first) throw new Error('thrown'); });
  c.on('end', () => log('peer', 'end', got, caught));
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.end(Buffer.alloc(1 << 20)));
  c.resume();
});
