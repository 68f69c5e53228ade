'use strict';
// two writes of one tick reach a reader of the next turn as one 'data'
const { net, watch, HOST } = require('./_h');

const s = net.createServer((c) => { watch('peer', c, 'data end'); s.close(); });
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => { c.write('one'); c.write('two'); c.end('three'); });
  c.resume();
});
