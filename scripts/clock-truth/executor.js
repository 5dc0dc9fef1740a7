// One executor: logs invocations in the shape of BeFaaS's library, then says where its time origin truly was.
//
//   node executor.js ID INVOCATIONS PAUSE_MS SEED
//
// Standard output: the log lines. Standard error, at the end: one CSV row
//
//   ID,performance.timeOrigin,low,high
//
// `performance.timeOrigin` is a wall clock reading that Node takes when it starts, next to, but not at the same moment
// as, the monotonic reading from which `performance.now()` counts: it is off by the pause between the two reads, some
// microseconds, and milliseconds where the process was preempted in between. So the truth is measured as well: the
// monotonic clock is read around the moments at which `Date.now()` ticks over to a whole millisecond. Tick d, seen by
// a read that ended before monotonic time q after one that began after p, puts the origin into [d - q, d - p]. Of many
// ticks the one with the narrowest interval counts: in the others the process may have moved to another processor,
// whose counter may disagree by some microseconds.
'use strict'
const { performance, PerformanceObserver } = require('perf_hooks')

const [id, invocations, pauseMs, seed] = [process.argv[2], ...process.argv.slice(3).map(Number)]

// splitmix32: the same seed gives the same pauses.
let state = seed >>> 0
function random () {
  state = (state + 0x9e3779b9) >>> 0
  let z = state
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
  return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32
}

function narrowestTick (ticks, known) {
  let last = Date.now()
  let before = performance.now()
  while (ticks > 0) {
    const from = performance.now()
    const wall = Date.now()
    const to = performance.now()
    if (wall !== last) {
      // Ticked between the last read, which began after `before`, and this one.
      if (wall === last + 1 && to - before < known.high - known.low) known = { low: wall - to, high: wall - before }
      last = wall
      ticks -= 1
    }
    before = from
  }
  return known
}

const lines = []
function log (event) {
  // As in the library: the wall clock is read first, the monotonic clock right after it.
  const line = {
    timestamp: new Date().getTime(),
    now: performance.now(),
    version: '8.24.3',
    deploymentId: 'clock-truth',
    fn: { id, name: 'truth' },
    event
  }
  lines.push('BEFAAS' + JSON.stringify(line))
}

const observer = new PerformanceObserver(list => {
  for (const { name, entryType, startTime, duration } of list.getEntries()) {
    const [contextId, xPair, mark] = name.split(' ')
    log({ contextId, xPair, perf: { mark, name, entryType, startTime, duration } })
  }
})
observer.observe({ entryTypes: ['mark', 'measure'] })

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

async function invocation (n) {
  const [contextId, xPair] = [`${id}c${n}`, `${id}c${n}-p`]
  const name = mark => `${contextId} ${xPair} ${mark}:rpcIn`
  log({ contextId, xPair, request: { method: 'POST', originalUrl: '/call', headers: {} } })
  performance.mark(name('start'))
  let sum = 0
  for (let i = random() * 20000; i > 0; i--) sum += Math.sqrt(i)
  if (random() < 0.5) await sleep(random() * 3)
  performance.mark(name('end'))
  performance.measure(name('measure'), name('start'), name('end'))
  performance.clearMarks(name('start'))
  performance.clearMarks(name('end'))
  await sleep(random() * 2 * pauseMs)
  return sum
}

async function main () {
  const first = narrowestTick(8, { low: -Infinity, high: Infinity })
  log({ coldstart: true })
  for (let n = 0; n < invocations; n++) await invocation(n)
  const known = narrowestTick(8, first)
  const row = [id, performance.timeOrigin, known.low, known.high].join(',')
  process.stdout.write(lines.join('\n') + '\n')
  process.stderr.write(row + '\n')
}

main()
