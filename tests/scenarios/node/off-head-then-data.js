'use strict';
// the head parser of the documentation of Node's streams: it takes its own 'readable' listener away,
// puts the rest back, and 'data' goes on; the head comes in two chunks, the body in two more
const { net, log, watch, HOST } = require('./_h');

function parseHead(c, parsed) {
  let head = '';
  c.on('error', parsed);
  c.on('readable', onReadable);
  function onReadable() {
    log('readable', c.readableLength);
    let chunk;
    while ((chunk = c.read()) !== null) {
      head += chunk;
      const at = head.indexOf('\n\n');
      if (at < 0) continue;
      c.off('error', parsed);
      c.off('readable', onReadable);
      c.unshift(Buffer.from(head.slice(at + 2)));
      parsed(null, head.slice(0, at));
      return;
    }
  }
}
const s = net.createServer((c) => {
  watch('peer', c, 'end close');
  parseHead(c, (error, head) => {
    log('head', head, 'flowing', c.readableFlowing, 'listeners', c.listenerCount('error'));
    c.on('data', (d) => { log('data', d.toString(), 'flowing', c.readableFlowing); c.write('+'); });
    process.nextTick(() => log('tick flowing', c.readableFlowing));
  });
  s.close();
});
s.listen(0, HOST, () => {
  const c = net.connect(s.address().port, HOST, () => c.write('hea'));
  setTimeout(() => c.write('d\n\nbo'), 20);
  c.once('data', () => { c.write('dy'); c.once('data', () => c.end()); });
});
