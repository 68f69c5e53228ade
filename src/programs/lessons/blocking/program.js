const net = require('net')

let ticks = 0
let timer

function block(milliseconds) {
  const end = Date.now() + milliseconds
  while (Date.now() < end) {}
}

const server = net.createServer(socket => {
  socket.on('data', chunk => {
    if (String(chunk) === 'heavy') {
      console.log('heavy: begins')
      timer = setInterval(() => { ticks += 1 }, 20)
      block(300)
      console.log('heavy: is done')
    } else {
      console.log(`light: is done, ticks so far: ${ticks}`)
      clearInterval(timer)
      server.close()
    }
  })
})

server.listen(0, '127.0.0.1', () => {
  const port = server.address().port
  for (const word of ['heavy', 'light']) {
    net.connect(port, '127.0.0.1').end(word)
  }
})
