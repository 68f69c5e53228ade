const net = require('net')

function block(milliseconds) {
  const end = Date.now() + milliseconds
  while (Date.now() < end) {}
}

const server = net.createServer(socket => {
  console.log('server: connection')
  socket.end()
})

function connect(name, then) {
  const client = net.connect(8000, '10.9.0.2')
  client.on('connect', () => console.log(`${name}: connected`))
  client.on('close', then)
  client.resume()
}

server.listen(8000, '10.9.0.1', () => {
  connect('first', () => connect('second', () => server.close()))
  setImmediate(() => {
    block(600)
    console.log('the program was busy')
  })
})
