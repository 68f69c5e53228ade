const net = require('net')

const first = net.createServer(socket => {
  console.log(`server: a client at ${socket.remoteAddress}`)
  socket.end()
  first.close()
})

first.listen(0, '127.0.0.1', () => {
  const { port } = first.address()
  const second = net.createServer()
  second.on('error', error => {
    console.log(`the same port at 127.0.0.1: ${error.code}`)
    const third = net.createServer()
    third.listen(port, '127.0.0.2', () => {
      console.log('the same port at 127.0.0.2: free')
      third.close()
      connect(port)
    })
  })
  second.listen(port, '127.0.0.1')
})

function lookup(name, options, callback) {
  process.nextTick(callback, null, [
    { address: '127.0.0.3', family: 4 },
    { address: '127.0.0.1', family: 4 }
  ])
}

function connect(port) {
  const client = net.connect({ host: 'shop.example', port, lookup })
  client.on('connectionAttempt', address => {
    console.log(`client: tries ${address}`)
  })
  client.on('connectionAttemptFailed', (address, port, family, error) => {
    console.log(`client: ${address} says ${error.code}`)
  })
  client.on('connect', () => {
    console.log(`client: connected to ${client.remoteAddress}`)
  })
  client.resume()
}
