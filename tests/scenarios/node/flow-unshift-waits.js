'use strict';
// unshift() before anybody asks resumes nothing: the bytes wait
const { net, log, HOST } = require('./_h');

const s = net.createServer((c) => { c.end().resume(); s.close(); });
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST);
  c.on('resume', () => log('client', 'resume')).on('connect', () => log('client', 'connect', c.readableFlowing, c.readableLength));
  c.unshift(Buffer.from('back'));
  c.on('ready', () => setImmediate(() => {
    log('client', 'listens');
    c.on('data', (d) => log('client', 'data', d.toString())).on('end', () => log('client', 'end'));
  }));
});
