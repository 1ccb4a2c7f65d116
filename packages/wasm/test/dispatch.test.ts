import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { layout } from '../src/memory/layout.ts'
import { createMemory } from '../src/memory/memory.ts'
import { compileModules, instantiate } from '../src/module/compile.ts'
import { testKernels } from './kernels.ts'

/**
 * A thread that only observes: counts how often it saw a plan, and how often that plan's first ticket was still
 * available.
 */
const watch = `
const { parentPort, workerData: { buffer, first, drawn, quit } } = require('node:worker_threads')
const words = new Int32Array(buffer)
parentPort.postMessage('ready')
let plans = 0, open = 0
let last
while (Atomics.load(words, quit) === 0) {
  const ticket = Atomics.load(words, first)
  // All ones in its upper half: the plan is changing.
  if (Atomics.load(words, first + 1) === -1) continue
  if (Atomics.load(words, drawn) === ticket) open++
  if (ticket !== last) plans++
  last = ticket
}
parentPort.postMessage({ plans, open })`

// Thread 0 relies on getting the first share. If its ticket were available once the plan is visible, a late thread from
// the previous run could draw it: two threads would compute the first share and none the second. That took a million
// launches to happen once.
test('whoever sees a plan sees its first ticket drawn', async () => {
  const memory = createMemory(true, undefined)
  const compiled = await compileModules(testKernels, { relaxedSimd: false, sharedMemory: true })
  const dispatcher = instantiate(compiled, memory.memory)
  const words = memory.words()
  // One stage that does nothing: 'scale' of no numbers.
  words.set([compiled.indices.get('probe-kernels/scale') as number, layout.eagerArguments], layout.eagerPlan / 4)
  words.set([compiled.tableSize - 2, compiled.tableSize - 1], layout.pause / 4)
  const run = (): number => dispatcher.run(layout.eagerPlan, 1, 2)
  expect(run()).toBe(0)
  const watcher = new Worker(watch, {
    eval: true,
    workerData: {
      buffer: memory.memory.buffer,
      first: layout.firstTicket / 4,
      drawn: layout.drawn / 4,
      quit: layout.quit / 4,
    },
  })
  await once(watcher, 'message')
  for (let round = 0; round < 200_000; round++) run()
  const said = once(watcher, 'message')
  Atomics.store(new Int32Array(memory.memory.buffer), layout.quit / 4, 1)
  const [{ plans, open }] = (await said) as [{ readonly plans: number; readonly open: number }]
  expect(plans).toBeGreaterThan(1)
  expect(open).toBe(0)
  await watcher.terminate()
})
