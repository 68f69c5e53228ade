const net = require('net')

let count = 0
const server = net.createServer(socket => {
  count += 1
  console.log(`server: connection ${count}`)
  socket.on('data', chunk => console.log(`server: hi ${chunk}`))
  if (count === 3) server.close()
})

server.listen(0, '127.0.0.1', () => {
  const port = server.address().port
  for (const name of ['Ada', 'Ben', 'Cleo']) {
    const client = net.connect(port, '127.0.0.1')
    client.on('connect', () => {
      console.log(`${name}: connected`)
      client.end(name)
    })
  }
})
