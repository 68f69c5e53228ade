// Writes down which callbacks of a program Node runs, and when: what a page of netloop shows beside its own.
//
// Usage: node tests/node_run.js PROGRAM.js > node.txt
//
// The first line names Node, the day and the program. Each other line is a callback of the program's: the
// milliseconds since it began, whose it is (client, accepted, server, or the loop's), and its event, or the
// function that has queued it. To make all of them again:
//
//     for run in $(find src/programs -name node.txt); do
//       node tests/node_run.js ${run%node.txt}program.js > $run
//     done

const net = require('net')
const path = require('path')

const program = path.resolve(process.argv[2])
const day = new Date().toISOString().slice(0, 10)
const lines = [`Node ${process.version}, ${day}: ${path.basename(program)}`]
const began = performance.now()

const accepted = new WeakSet()
const role = it => it instanceof net.Server ? 'server' : accepted.has(it) ? 'accepted' : 'client'

// The callback, which is written down when it runs.
function told (who, event, callback) {
  if (typeof callback !== 'function') return callback
  return function (...given) {
    if (event === 'connection') accepted.add(given[0])
    const whose = event === 'connection' ? 'accepted' : who ?? role(this)
    lines.push(`${(performance.now() - began).toFixed(1)} ${whose} ${event}`)
    return callback.apply(this, given)
  }
}

// Node uses some of these functions itself.
const isByProgram = () => new Error().stack.split('\n')[3].includes(program)

// Has a function tell of the callbacks that the program gives it.
function watch (object, name, event, who) {
  const original = object[name]
  object[name] = function (...given) {
    if (isByProgram()) {
      given = given.map(it => told(who, event ?? given[0], it))
      if (given[0]?.lookup) given[0].lookup = told('loop', 'lookup function', given[0].lookup)
    }
    return original.apply(this, given)
  }
}

watch(net, 'createServer', 'connection')
watch(net, 'connect', 'connect')
watch(net.Server.prototype, 'listen', 'listening')
for (const name of ['write', 'end']) watch(net.Socket.prototype, name, 'write callback')
for (const name of ['on', 'once']) {
  for (const made of [net.Server, net.Socket]) watch(made.prototype, name)
}
const words = { setTimeout: 'set_timeout', setInterval: 'set_interval', setImmediate: 'set_immediate' }
for (const [name, word] of Object.entries(words)) watch(globalThis, name, word, 'loop')
watch(globalThis, 'queueMicrotask', 'queue_microtask', 'loop')
watch(process, 'nextTick', 'next_tick', 'loop')

console.log = () => {}
process.on('exit', () => process.stdout.write(`${lines.join('\n')}\n`))
require(program)
