// The Node peer: the echo server of this suite on Node's own `net`, with the options that all
// peers share.
'use strict';
const net = require('node:net');

const server = net.createServer({ noDelay: true }, (socket) => {
  socket.on('data', (chunk) => {
    if (!socket.write(chunk)) {
      socket.pause();
      socket.once('drain', () => socket.resume());
    }
  });
  socket.on('error', () => {});
});
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 511 }, () => {
  console.log(`listening on ${server.address().port}..`);
});
