import { reshape, type Tensor } from '@tessera-llm/tensor'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createWasmDevice, type WasmDevice } from '../src/index.ts'
import { testKernels } from './kernels.ts'
import { reverseOp, scaleOp } from './ops.ts'

const maximumBytes = 8 * 2 ** 20
let device: WasmDevice
beforeEach(async () => {
  device = await createWasmDevice({ kernels: testKernels, threads: 2, maximumBytes })
})
afterEach(() => device.dispose())

/** Bytes left beside two small tensors. */
const rest = maximumBytes - 12_288 - 64 - 64
const floats = (megabytes: number): number => megabytes * 2 ** 18
const outOfMemory = (what: string): unknown =>
  expect.objectContaining({
    code: 'out-of-memory',
    message: expect.stringMatching(
      new RegExp(
        `^wasm: ${what} needs the arena to grow to \\d+ bytes, .*; free tensors, use a smaller model, a shorter context or a more compact format`,
      ),
    ),
    details: { neededBytes: expect.any(Number), arenaBytes: expect.any(Number) },
  })
const use = (): readonly number[] => [
  device.memory().liveTensors,
  device.memory().allocatedBytes,
  device.wasm.arenaBytes(),
]
/** The device still computes, and its tensors are apart. */
async function isUsable(): Promise<void> {
  const x = device.tensor(Float32Array.of(1, 2, 3), [3])
  const y = device.run(reverseOp, { x }, {}).y
  const z = device.run(reverseOp, { x: y }, {}).y
  expect([await device.read(x), await device.read(y), await device.read(z)]).toEqual([
    Float32Array.of(1, 2, 3),
    Float32Array.of(3, 2, 1),
    Float32Array.of(1, 2, 3),
  ])
  for (const tensor of [x, y, z]) tensor.dispose()
}

it('a tensor that does not fit is an error with sizes and remedy, and leaves the device as it was', async () => {
  const kept = device.tensor(new Float32Array(floats(4)).fill(5), [floats(4)])
  const before = use()
  expect(() => device.empty([floats(4)], 'f32')).toThrow(outOfMemory(`a tensor of \\[${floats(4)}\\] f32`))
  expect(use()).toEqual(before)
  await isUsable()
  expect((await device.read(kept)).every((value) => value === 5)).toBe(true)
  kept.dispose()
  device.empty([floats(3.5)], 'f32').dispose()
})

it('the error states what was asked for and what there is', () => {
  const kept = device.empty([floats(4)], 'f32')
  try {
    device.empty([floats(4)], 'f32')
    expect.unreachable()
  } catch (error) {
    const { neededBytes, arenaBytes } = (
      error as { readonly details: { readonly neededBytes: number; readonly arenaBytes: number } }
    ).details
    expect(neededBytes).toBeGreaterThan(maximumBytes)
    expect(arenaBytes).toBeGreaterThanOrEqual(kept.byteLength)
    expect(arenaBytes).toBeLessThanOrEqual(maximumBytes)
    expect(String(error)).toContain(`maximumBytes is ${maximumBytes}`)
  }
})

it('an output that does not fit leaves nothing behind', async () => {
  const x = device.tensor(new Float32Array(floats(5)), [floats(5)])
  const before = use()
  expect(() => device.run(scaleOp, { x }, { factor: 2 })).toThrow(outOfMemory('a tensor of .*'))
  expect(use()).toEqual(before)
  await isUsable()
})

it('scratch memory that does not fit leaves nothing behind: what is computed after it is right', async () => {
  const small = device.tensor(
    Float32Array.from({ length: 1000 }, (_, i) => i),
    [1000],
  )
  device.run(reverseOp, { x: small }, {}).y.dispose()
  const x = device.tensor(new Float32Array(floats(3)), [floats(3)])
  // Input and output fit, the scratch memory of the same size does not.
  for (let i = 0; i < 2; i++) expect(() => device.run(reverseOp, { x }, {})).toThrow(outOfMemory('scratch memory'))
  // Takes what the smaller scratch memory had.
  const filled = Array.from({ length: 40 }, (_, i) => device.tensor(new Float32Array(128).fill(i), [128]))
  const y = device.run(reverseOp, { x: small }, {}).y
  expect(await device.read(y)).toEqual(Float32Array.from({ length: 1000 }, (_, i) => 999 - i))
  expect(await Promise.all(filled.map((tensor) => device.read(tensor)))).toEqual(
    filled.map((_, i) => new Float32Array(128).fill(i)),
  )
})

it('a capture that does not fit leaves nothing behind, wherever it stops', async () => {
  const x = device.tensor(Float32Array.of(1, 2, 3), [3])
  const before = use()
  const captures: readonly [string, () => unknown][] = [
    ['a tensor of .*', () => [device.run(scaleOp, { x }, { factor: 2 }), device.empty([floats(8)], 'f32')]],
    ['scratch memory', () => device.run(reverseOp, { x: device.empty([floats(3)], 'f32') }, {})],
  ]
  for (const [what, capture] of captures) {
    expect(() => device.capture(capture)).toThrow(outOfMemory(what))
    expect(use(), what).toEqual(before)
  }
  await isUsable()
  // A failed capture does not keep its tensors alive.
  x.dispose()
  expect(device.memory().allocatedBytes).toBe(0)
})

it('a plan whose stage list does not fit leaves nothing behind', async () => {
  const x = device.tensor(Float32Array.of(1, 2, 3), [3])
  const before = use()
  let y: Tensor | undefined
  expect(() =>
    device.capture(() => {
      y = device.run(scaleOp, { x }, { factor: 2 }).y
      // All the rest, to the last block.
      return device.empty([rest], 'u8')
    }),
  ).toThrow(outOfMemory('a plan'))
  expect(y?.disposed).toBe(true)
  expect(use()).toEqual(before)
  await isUsable()
})

it('an error inside a capture is what the caller gets, even where the plan would not fit either', () => {
  const x = device.tensor(Float32Array.of(1, 2, 3), [3])
  const before = use()
  expect(() =>
    device.capture(() => {
      device.run(scaleOp, { x }, { factor: 2 })
      device.empty([rest], 'u8')
      throw new Error('stop')
    }),
  ).toThrow('stop')
  expect(use()).toEqual(before)
})

it('tensors of every size come and go without taking more than they need', () => {
  for (let round = 0; round < 50; round++) {
    device.scope(() => {
      for (const bytes of [0, 1, 63, 64, 65, 100_000, 2_000_000]) reshape(device.empty([bytes], 'u8'), [1, bytes])
    })
  }
  expect(use()).toEqual([0, 0, 0])
})
