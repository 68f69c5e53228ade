'use strict';
// an encoding set on a destroyed socket whose peer had ended ends the text
const { net, log, HOST } = require('./_h');

const until = (ready, go) => (ready() ? go() : setImmediate(until, ready, go));
const s = net.createServer((p) => { s.close(); p.on('error', () => {}); p.end(Buffer.from([0x61, 0xe2, 0x82])); });
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST);
  let told = 0;
  c.on('readable', () => told++);
  until(() => told === 2, () => {
    c.destroy();
    c.setEncoding('utf8');
    log('client', 'waits', c.readableLength);
  });
});
