'use strict';
// a chunk goes through the pipes that there were when it came
const { net, log, HOST } = require('./_h');

function play(name, begin, next) {
  const s = net.createServer((p) => { s.close(); p.on('finish', () => {}); begin(p); });
  s.listen(0, HOST, () => {
    let heard = '';
    const c = net.connect(s.address().port, HOST, () => c.write('one '));
    setTimeout(() => c.write('two '), 30);
    setTimeout(() => { log(name, heard); c.destroy(); next(); }, 60);
    c.on('data', (d) => { heard += d; });
  });
}
play('begun', (p) => p.once('data', () => p.pipe(p)), () =>
  play('ended', (p) => { p.on('data', () => p.unpipe()); p.pipe(p); }, () => {}));
