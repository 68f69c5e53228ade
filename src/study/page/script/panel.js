
// The panel: what there is to say of the chosen record.

function link (it, isShort) {
  const words = isShort ? '' : ` ${name(it.who)}: ${it.words}`
  const made = make('a', '', `${it.label && '#'}${it.label}${words}`)
  made.href = `#r${it.number}`
  return made
}

const list = (id, items, none) => $(id).replaceChildren(...items.length ? items : [make('li', 'quiet', none)])
const item = (...inside) => make('li', '', ...inside)
// The last of these changes that is not after this record.
const last = (changes, number) => changes?.filter(it => it[0] <= number).pop()
const isIn = (number, from, until) => from <= number && number < until

function drawPanel () {
  const it = chosen
  const number = it.number
  const place = it.kind === 'segment' ? 'a segment' : `record ${number} of ${Math.floor(records.at(-1).number)}`
  $('head').textContent = `${place} · ${it.turn ? `turn ${it.turn}, ${it.phase} phase` : 'before the first turn'}`
  drawNow(it)
  const chain = chainOf(it)
  const root = chain.at(-1)
  const wires = wiresOf(it).map(({ link: at, found, from }) => {
    const verb = found.kind === 'accepted' ? 'was asked for by ' : 'was sent by '
    return { at, row: make('li', 'wire', ...found === at ? ['it '] : [link(found), ' '], verb, link(from)) }
  })
  const asks = asksOf(chain).map(({ at, from }) =>
    ({ at, row: make('li', 'asked', at === it ? 'it' : link(at, true), ' was asked for by ', link(from)) }))
  const why = chain.flatMap((cause, index) => [
    ...index ? [item(link(cause))] : [],
    ...[...wires, ...asks].filter(({ at }) => at === cause).map(({ row }) => row)
  ])
  const end = root.origin ? 'What led to it is not in the recording.' : roots.get(root.kind)?.[0] ?? ''
  list('why', why.concat(end ? [make('li', 'quiet', end)] : []), 'It is where the chain begins.')
  const followed = it.kind === 'wait' ? reportedBy(it) : effects.get(number) ?? []
  list('next', some(followed.map(effect => item(link(effect))), 12), 'nothing')
  drawWaits(it)
  const whose = chain.map(cause => cause.who).find(who => lives.has(who))
  drawKernel(it, whose)
  drawState(it, whose)
  for (const row of $('beside').children) row.classList.toggle('here', row.dataset.twin === it.label)
}

// The run on another loop: what of it is the same leads to the record here.
function drawBeside () {
  $('other').hidden = $('besides').hidden = !beside.length
  if (!beside.length) return
  $('besides').textContent = `${loop} beside it`
  $('title').textContent = `Beside it, a recorded run of ${title}`
  const same = beside.filter(it => it.twin).length
  $('same').textContent = `Of its ${beside.length} callbacks, ${same} come in the same order here (=).`
  $('beside').replaceChildren(...beside.map(({ at, who, event, twin }) => {
    const row = item(`${twin ? '=' : '≠'} ${seconds(at)} ${who}: ${event} `, twin ? link(byNumber.get(twin), true) : '')
    row.dataset.twin = twin
    return row
  }))
}

function drawNow (it) {
  const [, words] = kinds.get(it.kind) ?? ['?', 'A kind of record that this page does not know.']
  const said = [make('p', classOf(it), `${signOf(it)} ${name(it.who)}: ${it.words}`), make('p', '', words), ...(it.said ?? []).map(line => make('p', '', line))]
  for (const flag of it.more.split('|')) if (flags.has(flag)) said.push(make('p', 'more', `${flag}: ${flags.get(flag)}`))
  if (it.took !== null) said.push(make('p', isLong(it) ? 'long' : '', `It has taken ${seconds(it.took)}${isLong(it) ? ': meanwhile nothing else ran.' : '.'}`))
  const bytes = payloads.get(it.number)
  if (bytes) said.push(make('p', '', 'The bytes: ', make('code', '', bytes.payload), bytes.left ? ` and ${bytes.left} more` : ''))
  if (it.line) said.push(make('p', '', 'Line of the program, which is in Rust: ', make('code', '', it.line)))
  $('now').replaceChildren(...said)
}

// At most so many of these.
const some = (items, count) => items.slice(0, count)
  .concat(items.length > count ? [make('li', 'quiet', `… and ${items.length - count} more`)] : [])

// Records with the same words are grouped: both, or the first and how many more there are.
function alike (all, says) {
  const groups = new Map()
  for (const one of all) {
    const key = `${name(one.who).split('#')[0]} ${says(one)}`
    groups.set(key, [...groups.get(key) ?? [], one])
  }
  const others = ([first, second, third, ...rest]) => third ? ` and ${rest.length + 2} more`
    : !second ? '' : second.who === first.who ? ', twice' : ` and ${name(second.who)}`
  return [...groups.values()].map(group => ({ ...group[0], others: others(group) }))
}

function drawWaits (it) {
  const waiting = [...waits.values()].filter(wait => isIn(it.number, wait.from, wait.until))
  const shown = alike(waiting, ({ queue, work }) => `${queue} ${work}`).map(({ who, queue, work, by, dues, others }) => {
    const rule = (rules.get(`${queue} ${it.phase}`) ?? rules.get(` ${it.phase}`))[it.running]
    const due = last(dues, it.number)
    const left = due ? due[1] - it.at : null
    const when = left === null ? '' : left > 0 ? `due in ${seconds(left)}: ` : 'due: '
    const cause = byNumber.get(by)
    return item(make('strong', '', `${name(who)}${others}: ${work}`), ` (queue: ${queue}${cause ? ', queued by ' : ''}`,
      ...cause ? [link(cause)] : [], ')', make('br'), make('span', 'quiet', when + rule))
  })
  for (const [who, life] of lives) {
    const [, [written, taken, , , isPaused]] = last(life.bytes, it.number) ?? [0, []]
    if (written > taken) shown.push(item(make('strong', '', name(who)), `: ${written - taken} bytes wait to be sent, until the kernel has room`))
    if (isPaused) shown.push(item(make('strong', '', name(who)), ': what comes waits in the kernel: the program has paused the socket'))
  }
  list('waits', some(shown, 20), 'nothing')
  const isHeld = ({ holds }) => holds.some(([from, until]) => isIn(it.number, from, until))
  const held = [...lives].filter(([, life]) => isHeld(life)).map(([who]) => ({ who }))
  const holding = alike([...held, ...waiting.filter(isHeld)], ({ work }) => work ?? '')
    .map(({ who, work, others }) => item(`${name(who)}${others}${work ? `: ${work}` : ''}`))
  list('holds', some(holding, 12), 'nothing: it can end')
}

// The latest record of this kind about somebody.
function latest (it, who, kind) {
  for (let at = it.index; at >= 0; at--) if (records[at].who === who && records[at].kind === kind) return records[at]
}

function drawKernel (it, who) {
  const life = lives.get(who)
  const items = []
  if (life) {
    const [descriptor, local, remote] = life.place ?? []
    if (descriptor) items.push(item(`${name(who)}: descriptor ${descriptor}${local ? `, ${local} to ${remote}` : ''}`))
    const [, [written, taken, given, delivered]] = last(life.bytes, it.number) ?? [0, [0, 0, 0, 0]]
    if (written || taken) items.push(item(`the program has written ${written} bytes, the kernel has taken ${taken}`))
    if (given) items.push(item(`the kernel has given ${given} bytes, data was called with ${delivered}`))
    const peer = peers.get(who)?.[0]
    const theirs = peer && last(lives.get(peer).bytes, it.number)
    if (theirs) items.push(item(`sent by ${name(peer)}, not yet read by ${name(who)}: ${theirs[1][1] - given} bytes`))
    for (const [kind, said] of [['ready', 'last reported: '], ['system', 'last system call: ']]) {
      const found = latest(it, who, kind)
      if (found) items.push(item(said, link(found), found.more ? ` ${found.more}` : ''))
    }
  }
  list('kernel', items, who ? 'nothing is known' : 'no socket or server takes part')
}

function drawState (it, who) {
  const isServer = who?.startsWith('server#')
  $('socket').style.display = who && !isServer ? '' : 'none'
  $('server').style.display = isServer ? '' : 'none'
  const states = lives.get(who)?.states ?? []
  const now = last(states, it.number)
  const state = now?.[1] ?? ''
  const before = now?.[0] === it.number && it.kind === 'step' ? states[states.indexOf(now) - 1] : null
  $('whose').hidden = $('states').hidden = !state
  $('whose').textContent = state && `The state of ${name(who)}: ${state}`
  const split = words => [words.split(' (')[0], words.includes(' (') ? words.slice(words.indexOf('(')) : '']
  const light = (words, mark) => {
    if (!words) return
    const [life, halves] = split(words)
    const picture = $(isServer ? 'server' : 'socket')
    for (const box of picture.querySelectorAll('rect')) {
      if (box.dataset.life === life || (life === 'open' && box.dataset.halves === halves)) box.classList.add(mark)
    }
  }
  for (const box of document.querySelectorAll('.states rect')) box.classList.remove('lit', 'was')
  if (before) light(before[1], 'was')
  light(state, 'lit')
  const [life, halves] = split(state)
  const half = which => halves.match(`${which} (\\w+)`)?.[1] ?? 'open'
  const from = isServer ? [['server', state]] : [['life', life], ...life === 'open' ? [['read', half('read')], ['write', half('write')]] : []]
  const steps = from.flatMap(([machine, at]) => table('machines').map(row => row.map(text))
    .filter(([which, begin]) => which === machine && begin === at)
    .map(([, , input, to]) => item(make('span', 'quiet', machine === 'read' || machine === 'write' ? `${machine}: ` : ''), `${input} → ${to}`)))
  list('steps', state ? [make('li', 'quiet', 'from here:'), ...steps] : [], '')
}
