
// Choosing: keys, buttons, links, and what is found.

function choose (it, isLinked = true) {
  if (!it) return
  if (it.level > level) setLevel(it.level)
  const fold = folds[level].find(at => it.number >= at.first && it.number <= at.last)
  if (fold && !unfolded.has(fold.first)) {
    unfolded.add(fold.first)
    arrange()
  }
  chosen = it
  causes = new Set(chainOf(it))
  const story = $('story')
  const top = placeOf[it.index] * HEIGHT
  if (top < story.scrollTop + 2 * HEIGHT || top > story.scrollTop + story.clientHeight - 4 * HEIGHT) {
    story.scrollTop = top - story.clientHeight * .45
  }
  drawRows()
  drawArrows()
  drawPanel()
  story.setAttribute('aria-activedescendant', `row-${it.number}`)
  if (isLinked) history.replaceState(null, '', `#r${it.number}`)
}

function setLevel (to) {
  level = to
  $('level').value = to
  find()
  arrange()
}

// The next record there is in this direction for which this is true.
function step (way, isIt) {
  for (let at = chosen.index + way; records[at]; at += way) if (records[at].level <= level && isIt(records[at])) return choose(records[at])
}

const STEPS = {
  record: () => true,
  callback: it => it.kind === 'callback',
  turn: (it, way) => it.turn !== chosen.turn && (way > 0 || records[it.index - 1]?.turn !== it.turn)
}
const go = (what, way) => step(way, it => STEPS[what](it, way))

let hits = new Set()
function find () {
  const words = $('find').value.trim().toLowerCase()
  const isIt = /^#?r?\d+$/.test(words) ? it => it.number === Number(words.replace(/\D/g, ''))
    : it => `${name(it.who)} ${it.who} ${it.words} ${it.more} ${it.line}`.toLowerCase().includes(words)
  hits = new Set(words ? records.filter(it => (it.level <= level || /^#?r?\d+$/.test(words)) && isIt(it)).map(it => it.number) : [])
  const place = [...hits].indexOf(chosen?.number) + 1
  $('found').textContent = words ? `${place ? `${place} of ` : ''}${hits.size} found` : ''
}

// To the next of what was found, and round.
function toHit (way) {
  find()
  const found = [...hits]
  const ahead = way > 0 ? found.find(it => it > chosen.number) ?? found[0] : found.findLast(it => it < chosen.number) ?? found.at(-1)
  choose(byNumber.get(ahead))
  find()
}

const back = []
const KEYS = {
  ArrowDown: () => go('record', 1), j: () => go('record', 1), ArrowUp: () => go('record', -1), k: () => go('record', -1),
  c: () => go('callback', 1), C: () => go('callback', -1), t: () => go('turn', 1), T: () => go('turn', -1),
  Home: () => choose(records.find(it => it.level <= level)), End: () => choose(records.findLast(it => it.level <= level)),
  w: () => {
    const cause = byNumber.get(chosen.origin) ?? wiresOf(chosen)[0]?.from
    if (cause) back.push(chosen)
    choose(cause)
  },
  b: () => choose(back.pop()),
  1: () => { setLevel(0); nearest() }, 2: () => { setLevel(1); nearest() }, 3: () => { setLevel(2); nearest() },
  n: () => toHit(1), N: () => toHit(-1), '/': () => $('find').focus(), '?': () => $('help').showModal()
}

// The chosen record may be of another level.
function nearest () {
  choose(chosen.level <= level ? chosen : chainOf(chosen).find(it => it.level <= level) ?? records.find(it => it.level <= level))
}

function listen () {
  document.addEventListener('keydown', event => {
    const isTyping = event.target.matches('input, select')
    if (event.key === 'Escape') $('story').focus()
    if (isTyping && event.key === 'Enter') toHit(event.shiftKey ? -1 : 1)
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || $('help').open || !KEYS[event.key]) return
    event.preventDefault()
    KEYS[event.key]()
  })
  $('rows').addEventListener('click', event => {
    const row = event.target.closest('[data-number]')
    if (row) choose(byNumber.get(Number(row.dataset.number)))
  })
  for (const button of document.querySelectorAll('[data-step]')) {
    const [what, way] = button.dataset.step.split(' ')
    button.addEventListener('click', () => go(what, Number(way)))
  }
  $('level').addEventListener('change', () => { setLevel(Number($('level').value)); nearest() })
  $('find').addEventListener('input', () => { find(); drawRows() })
  $('besides').addEventListener('click', () => $('other').scrollIntoView())
  $('keys').addEventListener('click', () => $('help').showModal())
  $('story').addEventListener('scroll', drawRows)
  window.addEventListener('resize', () => { drawLanes(); choose(chosen, false) })
  window.addEventListener('hashchange', fromLink)
}

function fromLink () {
  const number = Number(location.hash.replace('#r', ''))
  choose(byNumber.get(number) ?? records.find(it => it.level === 0) ?? records[0], false)
}

function begin () {
  const [program = '', ...rest] = table('args').map(([argument]) => text(argument))
  const seed = table('seed').map(([seed]) => `simulated, seed ${text(seed)}`)
  $('about').textContent = [[program.split('/').pop(), ...rest].join(' '), ...seed, `${count} records`].filter(it => it).join(' · ')
  const [damage, left] = [table('damage')[0], table('left')[0][0]]
  const notices = [damage && `The recording cannot be read on: ${text(damage[0])}`, left && `It has ${left} more records than a page shows.`]
  $('notice').textContent = notices.filter(it => it).join(' ')
  $('notice').hidden = !$('notice').textContent
  $('signs').append(...[...kinds.values()].map(([sign, words]) => make('tr', '', make('td', '', sign), make('td', '', words))))
  listen()
  drawBeside()
  if (!records.length) return
  arrange()
  drawLanes()
  fromLink()
}

begin()
