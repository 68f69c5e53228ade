const net = require('net')

const server = net.createServer(socket => {
  socket.on('data', chunk => {
    console.log(`server: received ${chunk}`)
    socket.end('x'.repeat(200000))
  })
  server.close()
})

server.listen(0, '127.0.0.1', () => {
  const port = server.address().port
  const options = { port, host: '127.0.0.1', noDelay: true }
  const client = net.connect(options, () => {
    for (const word of ['one', 'two', 'three', 'four', 'five']) {
      client.write(word)
    }
  })
  let received = 0
  client.on('data', chunk => { received += chunk.length })
  client.on('end', () => console.log(`client: received ${received} bytes`))
})
