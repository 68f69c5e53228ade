const net = require('net')

const server = net.createServer(socket => {
  socket.on('data', chunk => {
    console.log(`server: received ${chunk.length} bytes`)
  })
  socket.on('end', () => {
    console.log('server: that was all')
    server.close()
  })
})

server.listen(8000, '10.9.0.1', () => {
  const client = net.connect(8000, '10.9.0.2')
  client.on('connect', () => {
    console.log('client: connected')
    client.end('x'.repeat(6000))
  })
})
