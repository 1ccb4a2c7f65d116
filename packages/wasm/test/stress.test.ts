import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createWasmDevice } from '../src/index.ts'
import { testKernels } from './kernels.ts'
import { reverseOp, scaleOp } from './ops.ts'

const clock = new Int32Array(new SharedArrayBuffer(4))
const idle = (microseconds: number): void => {
  if (microseconds >= 500) Atomics.wait(clock, 0, 0, microseconds / 1000)
  else for (const end = performance.now() + microseconds / 1000; performance.now() < end; );
}

// Threads poll for some 50 µs before they sleep: pauses below, around and above it let launches meet threads that poll,
// that are falling asleep and that sleep. A wake-up that is lost shows as `worker-lost`, work done twice or too late as
// a wrong value.
test.each([2, 3, 5])(
  'thousands of launches on %d threads, with pauses in which threads fall asleep and wake',
  async (threads) => {
    const device = await createWasmDevice({ kernels: testKernels, threads, joinTimeoutMs: 5_000 })
    const size = 61
    const x = device.empty([size], 'f32')
    const plan = device.capture(() => {
      let y = x
      for (let i = 0; i < 8; i++) y = device.run(reverseOp, { x: device.run(scaleOp, { x: y }, { factor: 1 }).y }, {}).y
      return y
    })
    const pauses = [0, 0, 0, 5, 20, 40, 45, 50, 55, 60, 80, 120, 200, 1_000]
    let launches = 0
    const end = performance.now() + 900
    // A busy machine takes longer for as many.
    for (let round = 0; performance.now() < end || launches <= 1_000; round++) {
      const data = Float32Array.from({ length: size }, (_, i) => round * 100 + i)
      device.write(x, data)
      idle(pauses[round % pauses.length] as number)
      plan.replay()
      idle(pauses[(round * 5 + 3) % pauses.length] as number)
      const y = device.run(reverseOp, { x: plan.result }, {}).y
      launches += plan.launches + 1
      expect(await device.read(y)).toEqual(data.toReversed())
      y.dispose()
      if (round % 50 === 0) await setImmediate()
    }
    await device.dispose()
  },
)

// More threads than processors, so that some wake when their plan is over and the next one, of another length, is being
// set up.
test('plans of one and of many stages in turn, with threads that come late', async () => {
  const device = await createWasmDevice({ kernels: testKernels, threads: 8, joinTimeoutMs: 20_000 })
  const x = device.tensor(new Float32Array(64).fill(1), [64])
  const plan = device.capture(() => {
    let y = x
    for (let i = 0; i < 12; i++) y = device.run(scaleOp, { x: y }, { factor: 2 }).y
    return y
  })
  for (let round = 0; round < 1_500; round++) {
    device.run(scaleOp, { x }, { factor: 1 }).y.dispose()
    plan.replay()
    expect(await device.read(plan.result)).toEqual(new Float32Array(64).fill(4096))
    if (round % 50 === 0) await setImmediate()
  }
  await device.dispose()
})

test('devices come and go, each with its own threads and memory', async () => {
  for (let round = 0; round < 5; round++) {
    const devices = await Promise.all([1, 2, 3].map((threads) => createWasmDevice({ kernels: testKernels, threads })))
    const results = devices.map((device, index) => {
      const x = device.tensor(Float32Array.of(index, round), [2])
      return device.run(reverseOp, { x }, {}).y
    })
    expect(await Promise.all(results.map((tensor, index) => devices[index]?.read(tensor)))).toEqual(
      devices.map((_, index) => Float32Array.of(round, index)),
    )
    await Promise.all(devices.map((device) => device.dispose()))
  }
})
