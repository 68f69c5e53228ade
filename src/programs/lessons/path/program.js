const fs = require('fs')
const net = require('net')
const os = require('os')
const path = require('path')

const place = path.join(os.tmpdir(), `netloop-lesson-${process.pid}`)

const server = net.createServer(socket => {
  console.log(`server: the client's address: ${socket.remoteAddress}`)
  socket.on('data', chunk => {
    console.log(`server: received ${chunk}`)
    socket.end('pong')
  })
  server.close()
})

server.listen(place, () => {
  console.log(`a socket in a folder: ${fs.statSync(place).isSocket()}`)
  const client = net.connect(place)
  client.on('connect', () => client.write('ping'))
  client.on('data', chunk => console.log(`client: received ${chunk}`))
  client.on('close', () => {
    console.log(`still there: ${fs.existsSync(place)}`)
  })
})
