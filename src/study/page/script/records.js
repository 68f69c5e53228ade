'use strict'
// Shows the recording. What is the case at each record stands in the data: here it is only picked
// and drawn. All text is set as text, so that nothing of a recording becomes markup.

const data = JSON.parse(document.getElementById('data').textContent)
const text = number => data.texts[number]
const [names, kinds, flags, roots, rules, peers] = ['names', 'kinds', 'flags', 'roots', 'rules', 'peers'].map(it => new Map(Object.entries(data[it])))
const $ = id => document.getElementById(id)

const HEIGHT = 22
const MARGIN = 128
const LONG = 10000

const records = data.records.map((it, index) => ({
  index, number: it[0], origin: it[1], cause: it[2], turn: it[3], at: it[4], who: text(it[5]), kind: text(it[6]),
  lane: it[7], words: text(it[8]), more: text(it[9]), line: text(it[10]), level: it[11], phase: text(it[12]),
  running: it[13], took: it[14]
}))
const byNumber = new Map(records.map(it => [it.number, it]))
const effects = new Map()
for (const it of records) {
  if (!effects.has(it.origin)) effects.set(it.origin, [])
  effects.get(it.origin).push(it)
}
const lives = new Map(data.lives.map(it => [text(it[0]), it]))
const sent = new Map(data.wires.map(it => [it[1], it[0]]))
const arrives = new Map()
for (const [from, to] of data.wires) arrives.set(from, [...arrives.get(from) ?? [], to])

const name = who => names.get(who) ?? who
const seconds = micros => micros < 1e3 ? `${micros} µs` : micros < 1e6 ? `${(micros / 1e3).toFixed(1)} ms` : `${(micros / 1e6).toFixed(2)} s`
const isLong = it => it.took >= LONG && it.kind === 'callback'

// An element with these classes, and this in it.
function make (tag, className, ...inside) {
  const made = document.createElement(tag)
  if (className) made.className = className
  made.append(...inside)
  return made
}
