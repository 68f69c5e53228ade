const net = require('net')

const server = net.createServer(socket => {
  console.log(`${socket.remoteAddress} connected.`)
  socket.on('data', chunk => console.log(chunk))
  socket.on('close', () => console.log('client disconnected'))
  socket.write('Welcome')
})

server.listen(0, '127.0.0.1', () => {
  const client = net.connect(server.address().port, '127.0.0.1', () => {
    console.log('Client connected')
  })
  client.setEncoding('utf8')
  client.on('ready', () => {
    let count = 0
    const timer = setInterval(() => {
      client.write('hi')
      count += 1
      if (count === 3) {
        clearInterval(timer)
        client.end()
      }
    }, 200)
  })
  client.on('data', text => console.log(text))
  client.on('end', () => console.log('Client disconnected'))
  client.on('close', () => server.close())
})
