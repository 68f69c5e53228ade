const net = require('net')

const server = net.createServer(socket => {
  socket.on('data', chunk => socket.end(chunk))
})

server.listen(0, '127.0.0.1', () => {
  const port = server.address().port
  let answers = 0
  let open = 100
  for (let number = 1; number <= 100; number += 1) {
    const client = net.connect(port, '127.0.0.1')
    client.on('connect', () => client.write('hello'))
    client.on('data', () => { answers += 1 })
    client.on('close', () => {
      open -= 1
      if (open === 0) {
        console.log(`${answers} answers`)
        server.close()
      }
    })
  }
})
