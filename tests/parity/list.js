// Prints what Node's net and timers have: each public member of each of their classes, the
// properties of an instance, and the well-known symbols.
const net = require('net');
const hidden = (name) => name.startsWith('_') || name === 'constructor';
const print = (owner, names) => {
  for (const name of names) if (typeof name === 'string' && !hidden(name)) console.log(`${owner}.${name}`);
};
const own = (prototype) => Object.getOwnPropertyNames(prototype);
const { Readable, Writable, Duplex } = require('stream');
const EventEmitter = require('events');
const known = own(Symbol).map((name) => Symbol[name]).filter((value) => typeof value === 'symbol');
const symbols = (...prototypes) => prototypes.flatMap((prototype) => Object.getOwnPropertySymbols(prototype))
  .filter((symbol) => known.includes(symbol)).map((symbol) => symbol.description);
print('net', Object.keys(net));
print('EventEmitter', own(EventEmitter.prototype));
print('Server', own(net.Server.prototype));
print('Server', own(new net.Server()));
print('Server', symbols(net.Server.prototype));
const socket = new Set([...own(net.Socket.prototype), ...own(Duplex.prototype), ...own(Readable.prototype), ...own(Writable.prototype)]);
print('Socket', socket);
print('Socket', own(new net.Socket()).filter((name) => !socket.has(name)));
print('Socket', new Set(symbols(net.Socket.prototype, Duplex.prototype, Readable.prototype, Writable.prototype)));
print('BlockList', [...own(net.BlockList.prototype), ...Object.getOwnPropertyNames(net.BlockList).filter((n) => !['length', 'name', 'prototype'].includes(n))]);
print('SocketAddress', [...own(net.SocketAddress.prototype), ...Object.getOwnPropertyNames(net.SocketAddress).filter((n) => !['length', 'name', 'prototype'].includes(n))]);
const timer = setTimeout(() => {}, 1);
print('Timeout', own(Object.getPrototypeOf(timer)));
print('Timeout', symbols(Object.getPrototypeOf(timer)));
clearTimeout(timer);
const immediate = setImmediate(() => {});
print('Immediate', own(Object.getPrototypeOf(immediate)));
print('Immediate', symbols(Object.getPrototypeOf(immediate)));
clearImmediate(immediate);
print('globals', ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate', 'queueMicrotask']);
print('process', ['nextTick']);
