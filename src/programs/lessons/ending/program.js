const net = require('net')

const server = net.createServer({ allowHalfOpen: true }, socket => {
  socket.on('data', chunk => {
    console.log(`server: received ${chunk}`)
    if (String(chunk) === 'insult') socket.resetAndDestroy()
  })
  socket.on('end', () => {
    console.log('server: the client has ended its half')
    setTimeout(() => socket.end('answer'), 50)
  })
  socket.on('close', () => console.log('server: closed'))
})

function say(word, then) {
  const client = net.connect(server.address().port, '127.0.0.1')
  if (word === 'question') client.end(word)
  else client.write(word)
  client.on('data', chunk => console.log(`client: received ${chunk}`))
  client.on('end', () => console.log('client: the server has ended'))
  client.on('error', error => console.log(`client: ${error.code}`))
  client.on('close', hadError => {
    console.log(`client: closed, by an error: ${hadError}`)
    then()
  })
}

server.listen(0, '127.0.0.1', () => {
  say('question', () => say('insult', () => server.close()))
})
