const net = require('net')

const words = ['one', 'two', 'three', 'four']
const client = net.connect(8000, '127.0.0.1')
client.on('data', chunk => console.log(`server: ${chunk}`))
client.setTimeout(1000)
client.on('timeout', () => {
  const word = words.shift()
  if (word) {
    console.log(`client: ${word}`)
    client.write(word)
  } else {
    console.log('client: gives up')
    client.destroy()
  }
})
