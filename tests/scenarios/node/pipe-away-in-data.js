'use strict';
// the last destination is unpiped, while it is to drain, in a listener of data: the data flows on
// if a listener of data stays
const { net, log, HOST } = require('./_h');

const a = new net.Socket({ highWaterMark: 1 });
a.cork();
a.write('x');
const cases = [
  (p, away) => p.on('data', () => away('the only one')),
  (p, away) => p.once('data', () => away('once')),
  (p, away) => p.on('data', function gone() { p.off('data', gone); away('gone'); }),
  (p, away) => p.on('data', function gone() { p.off('data', gone); away('another stays'); }).on('data', () => {}),
  (p, away) => p.once('data', () => away('once, before another')).once('data', () => away('once, the last')),
];
const s = net.createServer((p) => {
  cases.shift()(p, (who) => {
    p.pipe(a);
    const waits = p.isPaused();
    p.unpipe(a);
    log(who, waits, p.isPaused());
    setImmediate(() => p.destroy());
  });
});
function next() {
  if (cases.length === 0) return s.close();
  net.connect(s.address().port, HOST, function () { this.write('x'); }).on('close', next).resume();
}
s.listen(0, HOST, next);
