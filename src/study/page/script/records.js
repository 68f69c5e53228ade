'use strict'
// Shows the recording. What is the case at each record stands in the data: here it is only picked
// and drawn. All text is set as text, so that nothing of a recording becomes markup.

const { tables, texts } = JSON.parse(document.getElementById('data').textContent)
const text = number => texts[number]
const table = name => tables[name] ?? []
// A table of texts, by the first of them.
const words = name => new Map(table(name).map(([key, ...rest]) => [text(key), rest.map(text)]))
const [names, kinds, flags, roots, peers] = ['names', 'kinds', 'flags', 'roots', 'peers'].map(words)
const rules = new Map(table('rules').map(([queue, phase, ...rest]) => [`${text(queue)} ${text(phase)}`, rest.map(text)]))
const lanes = table('lanes').map(([lane]) => text(lane))
const folds = [0, 1, 2].map(level => table('folds').filter(it => it[0] === level)
  .map(([, first, last, said]) => ({ first, last, said: text(said) })))
const $ = id => document.getElementById(id)

const HEIGHT = 22
const MARGIN = 128
const LONG = 10000
const ACROSS = 250

const records = table('records').map(it => ({
  number: it[0], origin: it[1], cause: it[2], turn: it[3], at: it[4], who: text(it[5]), kind: text(it[6]),
  lane: it[7], words: text(it[8]), more: text(it[9]), line: text(it[10]), level: it[11], phase: text(it[12]),
  running: it[13], took: it[14] ? it[14] - 1 : null, label: `${it[0]}`
}))
const byNumber = new Map(records.map(it => [it.number, it]))
const count = records.length
// The segments stand among the records, each after the last one before it.
table('segments').forEach(([after, at, origin, sign, words, places, more, said, isOdd], index) => {
  const { turn = 0, phase = '', running = 0 } = byNumber.get(after) ?? records[0] ?? {}
  const number = after + (index + 1) / 1e6
  records.push({ number, origin, cause: 0, turn, at, who: 'wire', kind: 'segment', lane: table('wire')[0][0],
    words: text(words), more: text(more), line: '', level: 0, phase, running, took: null, label: '',
    sign: text(sign), places: text(places), said: text(said).split('\n'), isOdd })
})
records.sort((a, b) => a.number - b.number)
records.forEach((it, index) => { it.index = index; byNumber.set(it.number, it) })
const effects = new Map()
for (const it of records) {
  if (!effects.has(it.origin)) effects.set(it.origin, [])
  effects.get(it.origin).push(it)
}
// From when to when: the last may be open.
function hold (holds, from, isHeld) {
  if (isHeld) holds.push([from, Infinity])
  else if (holds.length) holds.at(-1)[1] = from
}
const waits = new Map(table('waits').map(([from, who, queue, work, by]) =>
  [from, { from, until: Infinity, who: text(who), queue: text(queue), work: text(work), by, dues: [], holds: [] }]))
for (const [from, until] of table('ends')) waits.get(from).until = until
for (const [from, at, due] of table('dues')) waits.get(from).dues.push([at, due])
const whos = [...new Set(records.map(it => it.who).filter(who => who.includes('#')))]
whos.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
const lives = new Map(whos.map(who => [who, { states: [], bytes: [], holds: [], place: null }]))
for (const [who, from, state] of table('states')) lives.get(text(who))?.states.push([from, text(state)])
for (const [who, from, ...bytes] of table('bytes')) lives.get(text(who))?.bytes.push([from, bytes])
for (const [who, ...place] of table('places')) lives.get(text(who)).place ??= place.map(text)
for (const [wait, who, from, isHeld] of table('holds')) hold((waits.get(wait) ?? lives.get(text(who)))?.holds ?? [], from, isHeld)
const sent = new Map(table('wires').map(([from, to]) => [to, from]))
const arrives = new Map()
for (const [from, to] of table('wires')) arrives.set(from, [...arrives.get(from) ?? [], to])

// What a call of the program's has asked for, by the record of it.
const asked = new Map(table('asked'))

const payloads = new Map(table('payloads').map(([number, payload, left]) => [number, { payload: text(payload), left }]))

// What has run on another loop, and what of it is the same here.
const beside = table('beside').map(([at, who, event, twin]) => ({ at, who: text(who), event: text(event), twin }))
const twins = new Map(beside.filter(it => it.twin).map(it => [it.twin, it]))
const title = text(table('title')[0]?.[0]) ?? ''
const loop = title.split(' ')[0]

const name = who => names.get(who)?.[0] ?? who
const seconds = micros => micros < 1e3 ? `${micros} µs` : micros < 1e6 ? `${(micros / 1e3).toFixed(1)} ms` : `${(micros / 1e6).toFixed(2)} s`
const isLong = it => it.took >= LONG && it.kind === 'callback'

// An element with these classes, and this in it.
function make (tag, className, ...inside) {
  const made = document.createElement(tag)
  if (className) made.className = className
  made.append(...inside)
  return made
}
