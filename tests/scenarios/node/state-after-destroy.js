'use strict';
// how far our half had come is still told after destroy(), and in 'close'; a later write or end goes by it
const { net, log, watch, HOST } = require('./_h');

const s = net.createServer((c) => { c.resume(); s.close(); });
const told = (who, c) => log(who, c.writableEnded, c.writableFinished, c.writable, c.destroyed);
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST);
  c.resume().on('connect', () => c.end('x')).on('finish', () => { c.destroy(); told('finish', c); });
  c.on('close', () => {
    told('close', c);
    log('write', c.write('late', (e) => log('cb', e.code)));
    c.end((e) => log('end-cb', e.code));
    c.end('late', (e) => log('end-late-cb', e.code));
    const d = new net.Socket();
    d.destroy();
    told('never', d);
    d.end();
    told('never', d);
    d.write('late', (e) => log('never-cb', e.code));
  });
});
