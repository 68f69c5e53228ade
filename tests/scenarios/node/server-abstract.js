'use strict';
// an abstract socket: address() keeps the NUL, and there is no file
const { net, log, fs } = require('./_h');

const name = '\0netloop-' + process.pid;
const s = net.createServer((c) => { c.end('hi').resume(); s.close(); });
s.listen(name, () => {
  log('address', s.address() === name, fs.existsSync(name.slice(1)));
  const c = net.connect(name);
  c.on('data', (d) => log('client', 'data', d.toString())).on('close', (e) => log('client', 'close', e));
});
