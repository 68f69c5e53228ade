
// The rows: what is shown, and where.

let level = 0
let rows = []
let placeOf = []
let chosen = null
let causes = new Set()
const unfolded = new Set()

// The rows of this level: a title for each turn, and one row for all that did the same.
function arrange () {
  rows = []
  placeOf = new Array(records.length).fill(-1)
  const folded = folds[level].filter(it => !unfolded.has(it.first))
  let [fold, turn] = [0, null]
  for (const it of records) {
    if (it.level > level) continue
    if (it.turn !== turn) {
      turn = it.turn
      rows.push({ turn })
    }
    while (it.number > folded[fold]?.last) fold++
    const within = it.number >= folded[fold]?.first ? folded[fold] : null
    if (it.number > within?.first) {
      placeOf[it.index] = rows.length - 1
      continue
    }
    placeOf[it.index] = rows.length
    rows.push(within ? { fold: within, record: it } : { record: it })
  }
  $('rows').style.height = `${rows.length * HEIGHT + 40}px`
  $('arrows').setAttribute('height', rows.length * HEIGHT + 40)
}

const laneWidth = () => ($('rows').clientWidth - MARGIN) / lanes.length
const laneAt = lane => MARGIN + laneWidth() * (lane + .5)
// What stands right of the middle has its text on the left, so that it stays on the page.
const isLeft = lane => lane > 0 && lane >= lanes.length / 2
// How wide the other side of a sign is.
const roomAcross = lane => laneWidth() * (isLeft(lane) ? lanes.length - lane - .5 : lane + .5)

function drawLanes () {
  $('lanes').replaceChildren()
  for (const old of document.querySelectorAll('.line')) old.remove()
  lanes.forEach((title, lane) => {
    const head = make('span', '', title)
    head.style.left = `${laneAt(lane)}px`
    $('lanes').append(head)
    const line = make('div', 'line')
    line.style.left = `${laneAt(lane)}px`
    $('rows').prepend(line)
  })
}

const signOf = it => it.sign ?? kinds.get(it.kind)?.[0] ?? '?'
const classOf = it => (kinds.has(it.kind) ? it.kind : 'other') + (it.isOdd ? ' odd-one' : '')

// What the kernel tells of stands on the other side of the sign, where there is room. epoll's words do without
// their beginning here.
function cell (it) {
  const said = make('span', `cell ${classOf(it)}`)
  const sign = make('b', '', signOf(it))
  const who = it.kind === 'segment' ? [] : [make('em', '', name(it.who)), ' ']
  const kernels = it.places ? '' : it.more.replaceAll('EPOLL', '')
  const isAcross = kernels && roomAcross(it.lane) > ACROSS
  const more = it.places || (isAcross ? '' : kernels) || it.line.split('/').pop()
  const words = [...who, it.words, ...more ? [make('i', '', `  ${more}`)] : []]
  if (beside.length && it.kind === 'callback') {
    const twin = twins.get(it.number)
    words.push(make('i', '', twin ? `  as in ${loop}, at ${seconds(twin.at)}` : `  not so in ${loop}`))
  }
  if (isLong(it)) words.push(make('span', 'long', `  ▲ took ${seconds(it.took)}`))
  const text = make('span', '', ...words)
  said.append(...isLeft(it.lane) ? [text, sign] : [sign, text])
  anchor(said, it.lane)
  if (!isAcross) return [said]
  const across = make('span', 'across', kernels)
  const [side, room] = isLeft(it.lane) ? ['left', laneAt(it.lane)] : ['right', $('rows').clientWidth - laneAt(it.lane)]
  across.style[side] = `${room + 18}px`
  across.style.maxWidth = `${roomAcross(it.lane) - 22}px`
  return [across, said]
}

// Has a cell begin or end at its lane.
function anchor (said, lane) {
  const [width, at] = [$('rows').clientWidth, laneAt(lane)]
  said.classList.toggle('left', isLeft(lane))
  said.style[isLeft(lane) ? 'right' : 'left'] = `${(isLeft(lane) ? width - at : at) - 8}px`
  said.style.maxWidth = `${isLeft(lane) ? at - MARGIN : width - at + 4}px`
}

function draw (row, place) {
  const drawn = make('div', 'row')
  drawn.style.top = `${place * HEIGHT}px`
  const it = row.record
  if (!it) {
    drawn.classList.add('turn')
    drawn.append(make('span', '', row.turn === 0 ? 'before the first turn' : `turn ${row.turn}`))
    return drawn
  }
  drawn.id = `row-${it.number}`
  drawn.setAttribute('role', 'option')
  drawn.dataset.number = it.number
  if (it.turn % 2) drawn.classList.add('odd')
  if (row.fold) {
    drawn.classList.add('fold')
    const words = make('span', 'cell', make('span', '', row.fold.said))
    anchor(words, it.lane)
    drawn.append(words)
    return drawn
  }
  drawn.append(make('span', 'n', it.label), make('span', 't', `${(it.at / 1e3).toFixed(1)} ms`), ...cell(it))
  drawn.title = `${name(it.who)}: ${it.words} ${it.more}`
  if (it === chosen) drawn.classList.add('chosen')
  drawn.setAttribute('aria-selected', it === chosen)
  if (it !== chosen && causes.has(it)) drawn.classList.add('cause')
  if (hits.has(it.number)) drawn.classList.add('hit')
  return drawn
}

// Only the rows in sight are there.
function drawRows () {
  const story = $('story')
  const first = Math.max(0, Math.floor(story.scrollTop / HEIGHT) - 20)
  const last = Math.min(rows.length, first + Math.ceil(story.clientHeight / HEIGHT) + 40)
  for (const old of document.querySelectorAll('.row')) old.remove()
  const drawn = []
  for (let place = first; place < last; place++) drawn.push(draw(rows[place], place))
  $('rows').append(...drawn)
}

// Why it came: the chain, and its arrows.

// It, what led to it, and so on to the root.
function chainOf (it) {
  const chain = []
  for (let at = it; at; at = byNumber.get(at.origin)) chain.push(at)
  return chain
}

// What of the chain came over the wire: the record in the chain, what was received there, what had sent it.
function wiresOf (it) {
  const all = chainOf(it).flatMap(link => {
    const calls = [link, ...(effects.get(link.number) ?? []).filter(at => at.kind === 'system' || at.kind === 'accepted')]
    const found = calls.findLast(at => at.number <= it.number && sent.has(at.number))
    return found ? [{ link, found, from: byNumber.get(sent.get(found.number)) }] : []
  })
  return all.filter((at, index) => all.findIndex(other => other.found === at.found) === index)
}

// What of the chain was asked for elsewhere: the record in the chain, and the call.
const asksOf = chain => chain.map(at => ({ at, from: byNumber.get(asked.get(at.number)) }))
  .filter(({ from }) => from && !chain.includes(from))

// What the kernel has reported in this wait.
function reportedBy (wait) {
  const after = records.slice(wait.index + 1)
  const end = after.findIndex(it => it.kind === 'wait')
  return after.slice(0, end < 0 ? after.length : end).filter(it => it.kind === 'ready')
}

function drawArrows () {
  const paths = []
  const arrow = (from, to, kind) => {
    const [a, b] = [placeOf[from.index], placeOf[to.index]]
    if (a < 0 || b < 0 || a === b) return
    const [x, z, y, v] = [laneAt(from.lane), laneAt(to.lane), (a + .5) * HEIGHT, (b + .5) * HEIGHT]
    const side = isLeft(from.lane) ? 1 : -1
    const bend = x === z ? x + side * (26 + Math.min(60, Math.abs(v - y) / 12)) : null
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
    const half = (y + v) / 2
    path.setAttribute('d', bend === null ? `M${x} ${y + 5}C${x} ${half} ${z} ${half} ${z} ${v - 6}` : `M${x + side * 7} ${y}C${bend} ${y} ${bend} ${v} ${z + side * 9} ${v}`)
    path.setAttribute('class', kind)
    path.setAttribute('marker-end', 'url(#tip)')
    paths.push(path)
  }
  if (chosen) {
    const chain = chainOf(chosen).filter(it => placeOf[it.index] >= 0)
    for (let at = 1; at < chain.length; at++) arrow(chain[at], chain[at - 1], 'before')
    for (const { at, from } of asksOf(chain)) arrow(from, at, 'before')
    for (const it of (effects.get(chosen.number) ?? []).slice(0, 40)) arrow(chosen, it, 'after')
    for (const { found, from } of wiresOf(chosen)) {
      arrow(from, found, 'wire')
      const far = chainOf(from).filter(it => placeOf[it.index] >= 0)
      for (let at = 1; at < far.length; at++) arrow(far[at], far[at - 1], 'far')
    }
    for (const to of arrives.get(chosen.number) ?? []) arrow(chosen, byNumber.get(to), 'wire')
  }
  $('paths').replaceChildren(...paths)
}
