'use strict';
// once('readable') and resume() by turns: what is left over for whom. Each case is the steps taken
// at first, then those in the first call, the second, and so on.
const { net, log, HOST } = require('./_h');

const CASES = [
  'once|resume once read9|||read',
  'once once|resume||read2 once|resume',
  'once once||once resume read|once|read9|once',
  'once|on|once|resume|read9',
];

function play(n) {
  if (n === CASES.length) return;
  const steps = CASES[n].split('|').map((row) => row.split(' '));
  let calls = 0;
  log('case', n);
  const s = net.createServer((c) => {
    const called = (name) => { log(name, c.readableLength); take(steps[++calls] ?? []); };
    const take = (row) => row.forEach((step) => {
      if (step === 'once') c.once('readable', () => called('once'));
      else if (step === 'on') c.on('readable', () => called('on'));
      else if (step === 'resume') c.resume();
      else if (step !== '') log('read', String(c.read(+step.slice(4) || undefined)));
    });
    c.on('end', () => log('end'));
    take(steps[0]);
    setTimeout(() => {
      log('left', c.readableLength, c.readableFlowing);
      c.destroy();
      s.close(() => play(n + 1));
    }, 120);
  });
  s.listen(0, HOST, () => {
    const c = net.connect(s.address().port, HOST);
    c.on('error', () => {}).resume();
    const parts = ['abcd', 'efgh', 'ijkl'];
    const timer = setInterval(() => {
      if (parts.length) { c.write(parts.shift()); return; }
      clearInterval(timer);
      c.end();
    }, 20);
  });
}
play(0);
