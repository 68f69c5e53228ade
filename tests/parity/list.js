// Prints what Node's net and timers have: each public member of each of their classes.
const net = require('net');
const hidden = (name) => name.startsWith('_') || name === 'constructor';
const print = (owner, names) => {
  for (const name of names) if (typeof name === 'string' && !hidden(name)) console.log(`${owner}.${name}`);
};
const own = (prototype) => Object.getOwnPropertyNames(prototype);
const { Readable, Writable, Duplex } = require('stream');
print('net', Object.keys(net));
print('Server', own(net.Server.prototype));
const socket = new Set([...own(net.Socket.prototype), ...own(Duplex.prototype), ...own(Readable.prototype), ...own(Writable.prototype)]);
print('Socket', socket);
print('BlockList', [...own(net.BlockList.prototype), ...Object.getOwnPropertyNames(net.BlockList).filter((n) => !['length', 'name', 'prototype'].includes(n))]);
print('SocketAddress', [...own(net.SocketAddress.prototype), ...Object.getOwnPropertyNames(net.SocketAddress).filter((n) => !['length', 'name', 'prototype'].includes(n))]);
const timer = setTimeout(() => {}, 1);
print('Timeout', own(Object.getPrototypeOf(timer)));
clearTimeout(timer);
const immediate = setImmediate(() => {});
print('Immediate', own(Object.getPrototypeOf(immediate)));
clearImmediate(immediate);
print('globals', ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate', 'queueMicrotask']);
print('process', ['nextTick']);
