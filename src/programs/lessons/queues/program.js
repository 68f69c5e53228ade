const net = require('net')

const server = net.createServer(socket => {
  setTimeout(() => console.log('timeout'), 0)
  setImmediate(() => console.log('immediate'))
  queueMicrotask(() => {
    console.log('microtask')
    process.nextTick(() => console.log('tick of a microtask'))
  })
  process.nextTick(() => {
    console.log('tick')
    process.nextTick(() => console.log('tick of a tick'))
  })
  socket.on('close', () => console.log('close'))
  socket.destroy()
  server.close()
  console.log('the callback returns')
})

server.listen(0, '127.0.0.1', () => {
  net.connect(server.address().port, '127.0.0.1')
})
