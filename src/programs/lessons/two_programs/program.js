const net = require('net')

const server = net.createServer(socket => {
  console.log('server: connected')
  socket.on('data', chunk => console.log(`server: ${chunk}`))
  socket.on('close', () => {
    console.log('server: disconnected')
    server.close()
  })
  socket.write('Welcome')
})

server.listen(0, '127.0.0.1', () => {
  console.log('server: listening')
  const client = net.connect(server.address().port, '127.0.0.1')
  client.on('connect', () => {
    console.log('client: connected')
    let count = 0
    const timer = setInterval(() => {
      client.write('hi')
      count += 1
      if (count === 2) {
        clearInterval(timer)
        client.end()
      }
    }, 100)
  })
  client.on('data', chunk => console.log(`client: ${chunk}`))
  client.on('end', () => console.log('client: disconnected'))
})
