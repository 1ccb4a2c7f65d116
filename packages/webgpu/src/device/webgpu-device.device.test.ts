import { isTesseraError, type Tensor } from '@tessera-llm/tensor'
import { createTestGpu } from '@tessera-tooling/swiftshader'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { affine, affineKernel } from '../../test/affine.ts'
import { createWebGpuDevice, type WebGpuDevice } from '../index.ts'

describe('the WebGPU device on SwiftShader', () => {
  let gpu: GPU
  let device: WebGpuDevice
  beforeAll(async () => {
    gpu = await createTestGpu()
    device = await createWebGpuDevice({ gpu, kernels: [affineKernel()] })
  })
  afterAll(() => device.dispose())

  const run = (x: Tensor, factor: number, offset = 0): Tensor => device.run(affine, { x }, { factor, offset }).y

  it('runs a kernel and reads the result back', async () => {
    const x = device.tensor(Float32Array.of(1, 2, 3, 4, 5), [5])
    expect([...(await device.read(run(x, 2, 1)))]).toEqual([3, 5, 7, 9, 11])
  })

  it('describes itself as JSON', () => {
    const { capabilities } = device
    expect(JSON.parse(JSON.stringify(capabilities))).toEqual(capabilities)
    expect(capabilities.limits.maxBufferSize).toBeGreaterThan(1 << 27)
    if (capabilities.architecture === 'swiftshader') expect(capabilities.isFallback).toBe(true)
    expect(device.name).toContain('webgpu')
  })

  it('keeps the order of writes, launches and reads, also where freed memory is reused at once', async () => {
    const x = device.tensor(Float32Array.of(1, 2, 3, 4), [4])
    const first = run(x, 10)
    device.write(x, Float32Array.of(5), 1)
    const second = run(x, 10)
    x.dispose()
    const third = device.tensor(Float32Array.of(9, 9, 9, 9), [4])
    const [a, b, c] = await Promise.all([device.read(first), device.read(second), device.read(third)])
    expect([[...a], [...b], [...c]]).toEqual([
      [10, 20, 30, 40],
      [10, 50, 30, 40],
      [9, 9, 9, 9],
    ])
  })

  it('writes and reads at any byte of u8, f16 and 4-bit tensors', async () => {
    for (const length of [1, 2, 3, 5, 8, 13]) {
      for (let offset = 0; offset < length; offset++) {
        const count = Math.min(length - offset, 1 + ((length * 7 + offset) % 6))
        const expected = Uint8Array.from({ length }, (_, i) => i + 100)
        const bytes = device.tensor(expected, [length])
        const part = Uint8Array.from({ length: count }, (_, i) => i + 1)
        device.write(bytes, part, offset)
        expected.set(part, offset)
        expect([...(await device.read(bytes))], `${count} bytes at ${offset} of ${length}`).toEqual([...expected])
        bytes.dispose()
      }
    }
    const halves = device.tensor(Uint16Array.of(1, 2, 3, 4, 5), [5], 'f16')
    device.write(halves, Uint16Array.of(7, 8), 1)
    expect([...(await device.read(halves))]).toEqual([1, 7, 8, 4, 5])
  })

  it('computes nothing for empty tensors and splits grids beyond 65535 workgroups', async () => {
    expect((await device.read(run(device.tensor(new Float32Array(0), [0]), 2))).length).toBe(0)
    const length = 65536 * 64 + 3
    const x = device.tensor(new Float32Array(length).fill(1), [length])
    const y = await device.read(run(x, 3))
    expect(y.every((value) => value === 3)).toBe(true)
    x.dispose()
  })

  it('replays a plan with no creation, one pass and one submission a time', async () => {
    const x = device.tensor(Float32Array.of(1, 2), [2])
    const plan = device.capture(() => device.scope((scope) => scope.keep(run(run(run(x, 2), 2, 1), 3))))
    expect(plan.launches).toBe(3)
    const step = async (value: number): Promise<number[]> => {
      device.write(x, Float32Array.of(value, value + 1))
      plan.replay()
      return [...(await device.read(plan.result))] as number[]
    }
    expect(await step(1)).toEqual([15, 27])
    const before = device.webgpu.counters()
    for (let token = 2; token < 7; token++) expect(await step(token)).toEqual([token * 12 + 3, (token + 1) * 12 + 3])
    const after = device.webgpu.counters()
    expect(after.buffersCreated - before.buffersCreated).toBe(0)
    expect(after.bindGroupsCreated - before.bindGroupsCreated).toBe(0)
    expect(after.pipelinesCreated - before.pipelinesCreated).toBe(0)
    expect(after.submits - before.submits).toBe(5)
    expect(after.passes - before.passes).toBe(5)
    expect(after.dispatches - before.dispatches).toBe(15)
    plan.dispose()
    expect(() => plan.replay()).toThrow(/after it was disposed/)
  })

  it('keeps what a plan uses from being reused while the plan lives', async () => {
    const x = device.tensor(Float32Array.of(3), [1])
    const plan = device.capture(() => run(x, 2))
    x.dispose()
    const other = Array.from({ length: 20 }, (_, i) => device.tensor(Float32Array.of(i), [1]))
    plan.replay()
    expect([...(await device.read(plan.result))]).toEqual([6])
    expect(await Promise.all(other.map(async (t) => (await device.read(t))[0]))).toEqual(other.map((_, i) => i))
    plan.dispose()
  })

  it('keeps data uploaded during a capture for every replay', async () => {
    const x = device.tensor(Float32Array.of(1), [1])
    const plan = device.capture(() => {
      const uploaded = device.tensor(Float32Array.of(5), [1])
      const y = run(uploaded, 2)
      uploaded.dispose()
      run(x, 100)
      return y
    })
    for (let i = 0; i < 3; i++) {
      plan.replay()
      expect([...(await device.read(plan.result))]).toEqual([10])
    }
    plan.dispose()
  })

  it('keeps data uploaded into memory which an earlier launch of the plan used', async () => {
    const x = device.tensor(Float32Array.of(1), [1])
    const plan = device.capture(() => {
      const first = run(x, 100)
      const kept = run(first, 1)
      first.dispose()
      const uploaded = device.tensor(Float32Array.of(5), [1])
      return [kept, run(uploaded, 2)] as const
    })
    for (let i = 0; i < 3; i++) {
      plan.replay()
      expect(await Promise.all(plan.result.map(async (tensor) => (await device.read(tensor))[0]))).toEqual([100, 10])
    }
    plan.dispose()
  })

  it('thousands of lengths leave a bounded number of buffers, and results and a plan from before are right', async () => {
    const fresh = await createWebGpuDevice({ gpu, kernels: [affineKernel()] })
    const gpuDevice = fresh.webgpu.device
    const createBuffer = gpuDevice.createBuffer.bind(gpuDevice)
    let live = 0
    gpuDevice.createBuffer = (descriptor) => {
      const buffer = createBuffer(descriptor)
      if (!descriptor.label?.startsWith('params ')) return buffer
      const destroy = buffer.destroy.bind(buffer)
      live += 1
      buffer.destroy = () => {
        live -= 1
        return destroy()
      }
      return buffer
    }
    const x = fresh.tensor(Float32Array.of(1, 2), [2])
    const plan = fresh.capture(() => fresh.run(affine, { x }, { factor: 0.5 }).y)
    let last: Tensor | undefined
    for (let factor = 1; factor <= 10_000; factor++) {
      last?.dispose()
      last = fresh.run(affine, { x }, { factor }).y
    }
    expect(live).toBeGreaterThan(2000)
    expect(live).toBeLessThanOrEqual(4097)
    plan.replay()
    expect([...(await fresh.read(last as Tensor))]).toEqual([10_000, 20_000])
    expect([...(await fresh.read(plan.result))]).toEqual([0.5, 1])
    const before = live
    plan.dispose()
    expect(live).toBe(before - 1)
    await fresh.synchronize()
    await fresh.dispose()
  })

  it('compiles ahead without running, and not again', async () => {
    const fresh = await createWebGpuDevice({ gpu, kernels: [affineKernel()] })
    const x = fresh.tensor(Float32Array.of(1), [1])
    expect(await fresh.webgpu.prepare(() => fresh.run(affine, { x }, { factor: 2 }))).toBe(1)
    const { pipelinesCreated, dispatches } = fresh.webgpu.counters()
    expect([pipelinesCreated, dispatches]).toEqual([1, 0])
    expect([...(await fresh.read(fresh.run(affine, { x }, { factor: 2 }).y))]).toEqual([2])
    expect(fresh.webgpu.counters().pipelinesCreated).toBe(1)
    await fresh.dispose()
  })

  it('times dispatches where the adapter has timestamps', async () => {
    const x = device.tensor(new Float32Array(1000), [1000])
    if (!device.capabilities.features.includes('timestamp-query')) {
      await expect(device.webgpu.time(() => run(x, 2))).rejects.toMatchObject({ code: 'unsupported' })
      return
    }
    const times = await device.webgpu.time(() => [run(x, 2), run(x, 3)])
    expect(times.map(({ label }) => label)).toEqual([
      'affine/plain[x:f32[1000] factor=2 offset=0]',
      'affine/plain[x:f32[1000] factor=3 offset=0]',
    ])
    for (const { microseconds } of times) expect(microseconds).toBeGreaterThanOrEqual(0)
  })

  it('names a kernel that does not compile, with its line', async () => {
    const broken = await createWebGpuDevice({
      gpu,
      kernels: [affineKernel('broken', '@compute @workgroup_size(1) fn main() { let a: u32 = 1.5; }')],
    })
    const x = broken.tensor(Float32Array.of(1), [1])
    const y = broken.run(affine, { x }, { factor: 2 }).y
    const error = await broken.read(y).catch((e: unknown) => e)
    expect(isTesseraError(error, 'invalid-kernel')).toBe(true)
    expect(String(error)).toMatch(/affine\/broken\[.*does not compile.*let a: u32 = 1\.5/s)
    expect(() => broken.run(affine, { x }, { factor: 2 })).toThrow(/does not compile/)
    await broken.dispose()
  })

  it('refuses a tensor beyond the binding limit with its size and the remedy', () => {
    expect(() => device.empty([2 ** 36], 'f32')).toThrow(
      expect.objectContaining({ code: 'out-of-memory', message: expect.stringMatching(/binds at most \d+; split it/) }),
    )
  })

  it('refuses a temporary beyond the binding limit by the name of its kernel, and goes on', async () => {
    const greedy = await createWebGpuDevice({
      gpu,
      kernels: [{ ...affineKernel('greedy'), temporaries: () => ({ scores: 2 ** 36 }) }, affineKernel()],
    })
    const x = greedy.tensor(Float32Array.of(1, 2), [2])
    expect(() => greedy.run(affine, { x }, { factor: 2 }, { kernel: 'greedy' })).toThrow(
      expect.objectContaining({
        code: 'out-of-memory',
        message: expect.stringMatching(
          /affine: the temporary scores of the kernel greedy takes 68719476736 bytes, this GPU binds at most \d+/,
        ),
      }),
    )
    expect([...(await greedy.read(greedy.run(affine, { x }, { factor: 2 }, { kernel: 'plain' }).y))]).toEqual([2, 4])
    await greedy.dispose()
  })

  it('turns a lost device into a typed error of every later call', async () => {
    const lost = await createWebGpuDevice({ gpu, kernels: [affineKernel()] })
    const x = lost.tensor(Float32Array.of(1), [1])
    lost.webgpu.device.destroy()
    await lost.webgpu.device.lost
    await expect(lost.read(x)).rejects.toMatchObject({
      code: 'device-lost',
      message: expect.stringContaining('Create a new device'),
    })
    expect(() => lost.run(affine, { x }, { factor: 1 })).toThrow(expect.objectContaining({ code: 'device-lost' }))
    expect(() => lost.tensor(Float32Array.of(1), [1])).toThrow(expect.objectContaining({ code: 'device-lost' }))
    await expect(lost.synchronize()).rejects.toMatchObject({ code: 'device-lost' })
    await lost.dispose()
  })

  it('rejects reads that a disposal cuts off', async () => {
    const short = await createWebGpuDevice({ gpu, kernels: [affineKernel()] })
    const reading = short.read(
      short.run(affine, { x: short.tensor(new Float32Array(1 << 20), [1 << 20]) }, { factor: 2 }).y,
    )
    await Promise.all([short.dispose(), expect(reading).rejects.toMatchObject({ code: 'disposed' })])
    expect(() => short.empty([1], 'f32')).toThrow(expect.objectContaining({ code: 'disposed' }))
  })
})
