
// The panel: what there is to say of the chosen record.

function link (it) {
  const made = make('a', '', `#${it.number} ${it.who === 'loop' ? '' : name(it.who) + ': '}${it.words}`)
  made.href = `#r${it.number}`
  return made
}

const list = (id, items, none) => $(id).replaceChildren(...items.length ? items : [make('li', 'quiet', none)])
const item = (...inside) => make('li', '', ...inside)
// The last of these changes that is not after this record.
const last = (changes, number) => changes?.filter(it => it[0] <= number).pop()
const isIn = ([from, until], number) => from <= number && (until === null || number < until)

function drawPanel () {
  const it = chosen
  const number = it.number
  $('head').textContent = `record ${number} of ${records.at(-1).number} · ${it.turn ? `turn ${it.turn}, ${it.phase} phase` : 'before the first turn'}`
  drawNow(it)
  const chain = chainOf(it)
  const root = chain.at(-1)
  const why = chain.slice(1).map(cause => item(link(cause)))
  for (const { link: at, found, from } of wiresOf(it).reverse()) {
    const words = found === at ? ['it came over the wire from '] : [link(found), ' came over the wire from ']
    why.splice(chain.indexOf(at), 0, make('li', 'wire', ...words, link(from)))
  }
  const end = root.origin ? 'What led to it is not in the recording.' : roots.get(root.kind) ?? ''
  list('why', why.concat(end ? [make('li', 'quiet', end)] : []), 'It is where the chain begins.')
  const followed = effects.get(number) ?? []
  list('next', followed.slice(0, 12).map(effect => item(link(effect)))
    .concat(followed.length > 12 ? [make('li', 'quiet', `… and ${followed.length - 12} more`)] : []), 'nothing')
  drawWaits(it)
  const whose = chain.map(cause => cause.who).find(who => lives.has(who))
  drawKernel(it, whose)
  drawState(it, whose)
}

function drawNow (it) {
  const [sign, words] = kinds.get(it.kind) ?? ['?', 'A kind of record that this page does not know.']
  const said = [make('p', classOf(it), `${sign} ${it.who === 'loop' ? 'loop' : name(it.who)}: ${it.words}`), make('p', '', words)]
  for (const flag of it.more.split('|')) if (flags.has(flag)) said.push(make('p', 'more', `${flag}: ${flags.get(flag)}`))
  if (it.took !== null) said.push(make('p', isLong(it) ? 'long' : '', `It has taken ${seconds(it.took)}${isLong(it) ? ': meanwhile nothing else ran.' : '.'}`))
  if (it.line) said.push(make('p', '', 'Line of the program: ', make('code', '', it.line)))
  $('now').replaceChildren(...said)
}

function drawWaits (it) {
  const waits = data.waits.filter(wait => isIn(wait, it.number))
  const shown = waits.slice(0, 20).map(([, , who, queue, work, by, dues]) => {
    const rule = (rules.get(text(queue)) ?? rules.get(''))[it.phase][it.running]
    const due = last(dues, it.number)
    const left = due ? due[1] - it.at : null
    const when = left === null ? '' : left > 0 ? `due in ${seconds(left)}: ` : 'due: '
    const cause = byNumber.get(by)
    return item(make('strong', '', `${name(text(who))}: ${text(work)}`), ` (${text(queue)}${cause ? ', by ' : ''}`,
      ...cause ? [link(cause)] : [], ')', make('br'), make('span', 'quiet', when + rule))
  })
  if (waits.length > 20) shown.push(make('li', 'quiet', `… and ${waits.length - 20} more`))
  for (const [who, life] of lives) {
    const [, bytes] = last(life[2], it.number) ?? []
    if (!bytes) continue
    if (bytes[0] > bytes[1]) shown.push(item(make('strong', '', name(who)), `: ${bytes[0] - bytes[1]} bytes wait to be sent, until the kernel has room`))
    if (bytes[4]) shown.push(item(make('strong', '', name(who)), ': what comes waits in the kernel: the program has paused the socket'))
  }
  list('waits', shown, 'nothing')
  const holding = waits.filter(wait => wait[7].some(it2 => isIn(it2, it.number)))
  const holds = [...lives].filter(([, life]) => life[3].some(it2 => isIn(it2, it.number))).map(([who]) => name(who))
    .concat(holding.map(wait => `${name(text(wait[2]))}: ${text(wait[4])}`))
  list('holds', holds.slice(0, 12).map(words => item(words))
    .concat(holds.length > 12 ? [make('li', 'quiet', `… and ${holds.length - 12} more`)] : []), 'nothing: it can end')
}

// The latest record of this kind about somebody.
function latest (it, who, kind) {
  for (let at = it.index; at >= 0; at--) if (records[at].who === who && records[at].kind === kind) return records[at]
}

function drawKernel (it, who) {
  const life = lives.get(who)
  const items = []
  if (life) {
    const [descriptor, local, remote] = life[4] ?? []
    if (descriptor) items.push(item(`${name(who)}: descriptor ${descriptor}${local ? `, ${local} to ${remote}` : ''}`))
    const [, bytes] = last(life[2], it.number) ?? []
    if (bytes && (bytes[0] || bytes[1])) items.push(item(`the program has written ${bytes[0]} bytes, the kernel has taken ${bytes[1]}`))
    if (bytes && bytes[2]) items.push(item(`the kernel has given ${bytes[2]} bytes, data was called with ${bytes[3]}`))
    const peer = lives.get(peers.get(who))
    const theirs = peer && last(peer[2], it.number)
    if (theirs && bytes) items.push(item(`on the way to it, in the kernel: ${theirs[1][1] - bytes[2]} bytes of ${name(peers.get(who))}`))
    for (const [kind, words] of [['ready', 'last reported: '], ['system', 'last system call: ']]) {
      const found = latest(it, who, kind)
      if (found) items.push(item(words, link(found), found.more ? ` ${found.more}` : ''))
    }
  }
  list('kernel', items, who ? 'nothing is known' : 'no socket or server takes part')
}

function drawState (it, who) {
  const isServer = who?.startsWith('server#')
  $('socket').style.display = who && !isServer ? '' : 'none'
  $('server').style.display = isServer ? '' : 'none'
  const states = lives.get(who)?.[1] ?? []
  const now = last(states, it.number)
  const state = now ? text(now[1]) : ''
  const before = now && now[0] === it.number && it.kind === 'step' ? states[states.indexOf(now) - 1] : null
  $('whose').textContent = who ? `The state of ${name(who)}: ${state || 'not told yet'}` : 'No state'
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
  if (before) light(text(before[1]), 'was')
  light(state, 'lit')
  const [life, halves] = split(state)
  const half = which => halves.match(`${which} (\\w+)`)?.[1] ?? 'open'
  const from = isServer ? [['server', state]] : [['life', life], ...life === 'open' ? [['read', half('read')], ['write', half('write')]] : []]
  const steps = from.flatMap(([machine, at]) => data.machines[machine].filter(row => row[0] === at)
    .map(row => item(make('span', 'quiet', machine === 'read' || machine === 'write' ? `${machine}: ` : ''), `${row[1]} → ${row[2]}`)))
  list('steps', state ? [make('li', 'quiet', 'from here:'), ...steps] : [], '')
}
