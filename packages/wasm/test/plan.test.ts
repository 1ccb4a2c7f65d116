import type { Tensor } from '@tessera-llm/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createWasmDevice, type WasmDevice } from '../src/index.ts'
import { testKernels } from './kernels.ts'
import { dotOp, reverseOp, scaleOp } from './ops.ts'

describe.each([1, 3])('plans on %d threads', (threads) => {
  let device: WasmDevice
  beforeAll(async () => {
    device = await createWasmDevice({ kernels: testKernels, threads })
  })
  afterAll(() => device.dispose())

  const vector = (...values: readonly number[]): Tensor => device.tensor(Float32Array.from(values), [values.length])
  const scale = (x: Tensor, factor: number): Tensor => device.run(scaleOp, { x }, { factor }).y
  const reverse = (x: Tensor): Tensor => device.run(reverseOp, { x }, {}).y
  const values = async (tensor: Tensor): Promise<readonly number[]> => [...(await device.read(tensor))] as number[]
  /** Bytes in use before and after, in the tensors' books and in the arena. */
  const use = (): readonly number[] => [
    device.memory().liveTensors,
    device.memory().allocatedBytes,
    device.wasm.arenaBytes(),
  ]

  it('run nothing while they are captured, and what was written since at each replay', async () => {
    const x = vector(1, 2, 3)
    const plan = device.capture(() => reverse(scale(x, 10)))
    expect(plan.launches).toBe(2)
    plan.replay()
    expect(await values(plan.result)).toEqual([30, 20, 10])
    device.write(x, Float32Array.of(7, 8), 1)
    expect(await values(plan.result)).toEqual([30, 20, 10])
    plan.replay()
    expect(await values(plan.result)).toEqual([80, 70, 10])
    plan.dispose()
    x.dispose()
  })

  it('replay in slices: the same result, with as many pauses as are asked for, in which others compute', async () => {
    const x = vector(1, 2, 3)
    const before = use()
    const plan = device.capture(() => reverse(scale(reverse(scale(x, 10)), 0.5)))
    let asked = 0
    await plan.replayInSlices(() => void asked++)
    expect([asked, ...(await values(plan.result))]).toEqual([3, 5, 10, 15])
    device.write(x, Float32Array.of(4, 5, 6))
    const others: (readonly number[])[] = []
    await plan.replayInSlices(async () => {
      await new Promise((resolve) => setImmediate(resolve))
      const other = scale(x, others.length)
      others.push(await values(other))
      other.dispose()
    })
    expect(others).toEqual([
      [0, 0, 0],
      [4, 5, 6],
      [8, 10, 12],
    ])
    expect(await values(plan.result)).toEqual([20, 25, 30])
    plan.dispose()
    expect(use()).toEqual(before)
    x.dispose()
  })

  it('run nothing behind a pause that rejects, or in which they were disposed', async () => {
    const x = vector(1, 2, 3)
    const plan = device.capture(() => {
      const scaled = scale(x, 2)
      return [scaled, reverse(scaled)] as const
    })
    plan.replay()
    device.write(x, Float32Array.of(5, 6, 7))
    await expect(plan.replayInSlices(() => Promise.reject(new Error('enough')))).rejects.toThrow('enough')
    expect([await values(plan.result[0]), await values(plan.result[1])]).toEqual([
      [10, 12, 14],
      [6, 4, 2],
    ])
    await expect(plan.replayInSlices(async () => plan.dispose())).rejects.toMatchObject({ code: 'disposed' })
    x.dispose()
  })

  it('give the bits that the same calls give outside a plan', async () => {
    const a = device.tensor(
      Float32Array.from({ length: 640 }, (_, i) => Math.sin(i)),
      [20, 32],
    )
    const b = device.tensor(
      Float32Array.from({ length: 32 }, (_, i) => Math.cos(i)),
      [32],
    )
    const model = (): Tensor => reverse(scale(device.run(dotOp, { a, b }, {}).y, 1 / 3))
    const eager = await device.read(model())
    const plan = device.capture(model)
    for (let i = 0; i < 3; i++) {
      plan.replay()
      expect(await device.read(plan.result)).toEqual(eager)
    }
    plan.dispose()
  })

  it('keep their own scratch memory, large enough for the largest launch, apart from that of other calls', async () => {
    const long = Array.from({ length: 5000 }, (_, i) => i)
    const [x, y] = [vector(...long), vector(1, 2, 3)]
    const plan = device.capture(() => [reverse(y), reverse(x), reverse(y)] as const)
    for (let i = 0; i < 2; i++) {
      plan.replay()
      const outside = reverse(vector(4, 5, 6, 7))
      expect(await Promise.all([...plan.result, outside].map(values))).toEqual([
        [3, 2, 1],
        long.toReversed(),
        [3, 2, 1],
        [7, 6, 5, 4],
      ])
    }
    plan.dispose()
  })

  it('give all their memory back when they are disposed, and only then', async () => {
    const fresh = await createWasmDevice({ kernels: testKernels, threads })
    const inUse = (): readonly number[] => [
      fresh.memory().liveTensors,
      fresh.memory().allocatedBytes,
      fresh.wasm.arenaBytes(),
    ]
    const x = fresh.tensor(
      Float32Array.from({ length: 1000 }, (_, i) => i),
      [1000],
    )
    const before = inUse()
    const plan = fresh.capture(() =>
      fresh.scope((scope) => scope.keep(fresh.run(reverseOp, { x: fresh.run(scaleOp, { x }, { factor: 2 }).y }, {}).y)),
    )
    const during = inUse()
    for (const [index, value] of during.entries()) expect(value).toBeGreaterThan(before[index] as number)
    plan.replay()
    expect(inUse()).toEqual(during)
    plan.dispose()
    plan.dispose()
    expect(inUse()).toEqual(before)
    expect(plan.result.disposed).toBe(true)
    expect(() => plan.replay()).toThrow(
      expect.objectContaining({
        code: 'disposed',
        message: expect.stringContaining('a plan was replayed after it was disposed; capture again'),
      }),
    )
    await fresh.dispose()
    plan.dispose()
  })

  it('use freed memory again for what they make later: a chain takes two places, not its length', () => {
    const x = vector(...Array.from({ length: 4096 }, (_, i) => i))
    const before = device.wasm.arenaBytes()
    const plan = device.capture(() => {
      let y = scale(x, 1)
      for (let i = 0; i < 50; i++) {
        const next = scale(y, 1)
        y.dispose()
        y = next
      }
      return y
    })
    expect(device.wasm.arenaBytes() - before).toBeLessThan(3 * 4 * 4096)
    plan.dispose()
    x.dispose()
  })

  it('keep tensors from outside alive that are disposed while they are used, and let go of them', async () => {
    const before = use()
    const x = vector(1, 2)
    const plan = device.capture(() => scale(x, 2))
    const second = device.capture(() => scale(x, 3))
    x.dispose()
    const others = Array.from({ length: 8 }, (_, i) => vector(i + 100, i))
    plan.replay()
    second.replay()
    expect([await values(plan.result), await values(second.result)]).toEqual([
      [2, 4],
      [3, 6],
    ])
    expect(await Promise.all(others.map(values))).toEqual(others.map((_, i) => [i + 100, i]))
    plan.dispose()
    second.replay()
    expect(await values(second.result)).toEqual([3, 6])
    for (const other of others) other.dispose()
    second.dispose()
    expect(use()).toEqual(before)
  })

  it('keep data that was uploaded during the capture, whatever is made after it is disposed', async () => {
    const x = vector(1, 2)
    const plan = device.capture(() => {
      const uploaded = vector(5, 6)
      const y = scale(uploaded, 2)
      uploaded.dispose()
      return [y, scale(x, 100)] as const
    })
    for (let i = 0; i < 3; i++) {
      plan.replay()
      expect(await Promise.all(plan.result.map(values))).toEqual([
        [10, 12],
        [100, 200],
      ])
    }
    plan.dispose()
    x.dispose()
  })

  it('keep data that was uploaded into memory which an earlier launch of the plan used', async () => {
    const x = vector(1, 2)
    const plan = device.capture(() => {
      const first = scale(x, 100)
      const kept = scale(first, 1)
      first.dispose()
      const uploaded = vector(5, 6)
      return [kept, scale(uploaded, 2)] as const
    })
    for (let i = 0; i < 3; i++) {
      plan.replay()
      expect(await Promise.all(plan.result.map(values))).toEqual([
        [100, 200],
        [10, 12],
      ])
    }
    plan.dispose()
    x.dispose()
  })

  it('without a launch may be replayed between calls, also while the other threads sleep', async () => {
    const empty = device.capture(() => undefined)
    expect(empty.launches).toBe(0)
    const clock = new Int32Array(new SharedArrayBuffer(4))
    for (let i = 0; i < 100; i++) {
      // Long enough for a thread to fall asleep: it then wakes after the call that follows the replay.
      Atomics.wait(clock, 0, 0, 2)
      const x = vector(i, i + 1, i + 2)
      empty.replay()
      const y = reverse(x)
      expect(await values(y)).toEqual([i + 2, i + 1, i])
      y.dispose()
      x.dispose()
    }
    empty.dispose()
  })

  it('are measured stage by stage', () => {
    const x = vector(1, 2)
    const plan = device.capture(() => scale(reverse(x), 2))
    expect(device.wasm.time(() => plan.replay()).map(({ label }) => label)).toEqual([
      'test/reverse/scratch/scale',
      'test/reverse/scratch/reverse',
      'test/scale/plain/scale',
    ])
    plan.dispose()
    x.dispose()
  })

  it('that were not finished leave nothing behind', () => {
    const x = vector(1, 2)
    const before = use()
    expect(() =>
      device.capture(() => {
        reverse(scale(x, 2))
        throw new Error('stop')
      }),
    ).toThrow('stop')
    expect(use()).toEqual(before)
    x.dispose()
  })
})
