const net = require('net')

const size = 16000000

const server = net.createServer({ pauseOnConnect: true }, socket => {
  let received = 0
  socket.on('data', chunk => { received += chunk.length })
  socket.on('end', () => console.log(`server: received ${received} bytes`))
  setTimeout(() => {
    console.log('server: reads at last')
    socket.resume()
  }, 100)
  server.close()
})

server.listen(0, '127.0.0.1', () => {
  const client = net.connect(server.address().port, '127.0.0.1')
  client.on('connect', () => {
    const goesOn = client.write(Buffer.alloc(size))
    console.log(`client: write returns ${goesOn}`)
  })
  client.on('drain', () => {
    console.log('client: drain')
    client.end()
  })
})
