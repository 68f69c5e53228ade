// The loop costs of Node itself: nanoseconds a piece, as `what: SAMPLE SAMPLE ...` lines.
'use strict';

const { Worker, isMainThread, parentPort } = require('node:worker_threads');

const TIMERS = 100_000;
const LINKS = 100_000;
const SAMPLES = 7;
const ROUND_TRIPS = 2_000;
const POSTS = 50_000;

const shuffled = (items) => {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [items[last], items[other]] = [items[other], items[last]];
  }
  return items;
};

const timed = (pieces, work) => {
  const begin = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - begin) / pieces;
};

const timers = (figures) => {
  const durations = Array.from({ length: TIMERS }, () => 1 + Math.floor(Math.random() * 60_000));
  const keys = [];
  figures.insert.push(timed(TIMERS, () => {
    durations.forEach((duration) => keys.push(setTimeout(() => duration, duration)));
  }));
  shuffled(keys);
  figures['re-arm'].push(timed(TIMERS, () => keys.forEach((key) => key.refresh())));
  shuffled(keys);
  figures.cancel.push(timed(TIMERS, () => keys.forEach((key) => clearTimeout(key))));
};

const chain = (queue) => new Promise((resolve) => {
  const begin = process.hrtime.bigint();
  const link = (left) => {
    if (left > 0) queue(() => link(left - 1));
    else resolve(Number(process.hrtime.bigint() - begin) / LINKS);
  };
  link(LINKS);
});

// The other thread: a number is sent back, and `posts` asks for many.
const serve = () => parentPort.on('message', (message) => {
  if (message !== 'posts') return parentPort.postMessage(message);
  for (let number = 1; number <= POSTS; number++) parentPort.postMessage(number);
});

// Until the other thread has answered so often; `answer` may send on.
const exchange = (worker, first, pieces, answer) => new Promise((resolve) => {
  const begin = process.hrtime.bigint();
  let left = pieces;
  const received = (message) => {
    if (--left > 0) return answer(message);
    worker.off('message', received);
    resolve(Number(process.hrtime.bigint() - begin) / pieces);
  };
  worker.on('message', received);
  worker.postMessage(first);
});

const threads = async (figures) => {
  const worker = new Worker(__filename);
  await new Promise((resolve) => worker.once('online', resolve));
  figures['MessagePort round trip'] = [];
  figures['MessagePort post'] = [];
  for (let sample = 0; sample <= SAMPLES; sample++) {
    const trip = await exchange(worker, 0, ROUND_TRIPS, (message) => worker.postMessage(message));
    const post = await exchange(worker, 'posts', POSTS, () => {});
    if (sample > 0) {
      figures['MessagePort round trip'].push(trip);
      figures['MessagePort post'].push(post);
    }
  }
  await worker.terminate();
};

const measure = async () => {
  const figures = { insert: [], 're-arm': [], cancel: [] };
  const chains = { setImmediate, 'process.nextTick': process.nextTick, queueMicrotask };
  for (const name of Object.keys(chains)) figures[`${name} chain`] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    timers(figures);
    for (const [name, queue] of Object.entries(chains)) {
      figures[`${name} chain`].push(await chain(queue));
    }
  }
  await threads(figures);
  for (const [name, samples] of Object.entries(figures)) {
    console.log(`${name}: ${samples.map((sample) => sample.toFixed(2)).join(' ')}`);
  }
};

if (isMainThread) measure();
else serve();
