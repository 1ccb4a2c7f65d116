import { isTesseraError, kernelAbi, type TypedArray } from '@tessera-llm/tensor'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  createWasmDevice,
  dotAddOf,
  hasRelaxedSimd,
  type WasmDevice,
  type WasmDeviceOptions,
  type WasmKernel,
} from '../src/index.ts'
import { dotKernel, scaleKernel, testKernels } from './kernels.ts'
import { dotOp, reverseOp, scaleOp } from './ops.ts'

const devices: WasmDevice[] = []
const open = async (options: Partial<WasmDeviceOptions> = {}): Promise<WasmDevice> => {
  const device = await createWasmDevice({ kernels: testKernels, threads: 1, ...options })
  devices.push(device)
  return device
}
afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.dispose()))
})

describe('results', () => {
  const rows = 37
  const columns = 96
  const a = Float32Array.from({ length: rows * columns }, (_, i) => Math.fround(Math.sin(i * 1.7) * 3))
  const b = Float32Array.from({ length: columns }, (_, i) => Math.fround(Math.cos(i * 0.9)))
  const expected = Float64Array.from({ length: rows }, (_, row) =>
    b.reduce((sum, value, i) => sum + value * (a[row * columns + i] as number), 0),
  )
  const compute = async (
    device: WasmDevice,
  ): Promise<{ readonly dot: TypedArray; readonly reverse: TypedArray; readonly scale: TypedArray }> => ({
    dot: await device.read(
      device.run(dotOp, { a: device.tensor(a, [rows, columns]), b: device.tensor(b, [columns]) }, {}).y,
    ),
    reverse: await device.read(device.run(reverseOp, { x: device.tensor(a, [rows * columns]) }, {}).y),
    scale: await device.read(device.run(scaleOp, { x: device.tensor(b, [columns]) }, { factor: -0.5 }).y),
  })

  it.each([true, false])('are the same bits on 1, 2, 3 and 5 threads (relaxed SIMD %s)', async (relaxedSimd) => {
    const alone = await compute(await open({ threads: 1, relaxedSimd }))
    expect(Math.max(...expected.map((value, row) => Math.abs(value - Number(alone.dot[row]))))).toBeLessThan(2e-4)
    expect(alone.reverse).toEqual(a.toReversed())
    expect(alone.scale).toEqual(b.map((value) => -0.5 * value))
    for (const threads of [2, 3, 5])
      expect(await compute(await open({ threads, relaxedSimd })), `${threads} threads`).toEqual(alone)
  })

  it('come from the build that the device names: the relaxed one fuses, the plain one rounds each product', async ({
    skip,
  }) => {
    if (!hasRelaxedSimd()) return skip('relaxed SIMD is not here')
    // 1 + 2e-8·(1 − 2e-8): the product's last bits decide.
    const x = Math.fround(1 + 2 ** -12)
    const run = async (relaxedSimd: boolean): Promise<number> => {
      const device = await open({ relaxedSimd })
      const line = Float32Array.of(-1, 0, 0, 0, 0, 0, 0, 0, x, 0, 0, 0, 0, 0, 0, 0)
      const other = Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0, x, 0, 0, 0, 0, 0, 0, 0)
      return Number(
        (
          await device.read(device.run(dotOp, { a: device.tensor(line, [1, 16]), b: device.tensor(other, [16]) }, {}).y)
        )[0],
      )
    }
    // x² − 1 exactly, and with x² rounded to f32 first.
    expect([await run(true), await run(false)]).toEqual([Math.fround(x * x - 1), Math.fround(Math.fround(x * x) - 1)])
    expect(Math.fround(x * x - 1)).not.toBe(Math.fround(Math.fround(x * x) - 1))
  })

  it('do not change where threads outnumber the work', async () => {
    const device = await open({ threads: 5 })
    expect(
      await device.read(device.run(scaleOp, { x: device.tensor(Float32Array.of(3), [1]) }, { factor: 2 }).y),
    ).toEqual(Float32Array.of(6))
    expect(
      await device.read(device.run(scaleOp, { x: device.tensor(new Float32Array(0), [0]) }, { factor: 2 }).y),
    ).toEqual(new Float32Array(0))
  })

  it('are measured stage by stage, and stay the same', async () => {
    const device = await open({ threads: 2 })
    const x = device.tensor(Float32Array.of(1, 2, 3), [3])
    let y = x
    const times = device.wasm.time(() => {
      y = device.run(reverseOp, { x }, {}).y
    })
    expect(times.map(({ label }) => label)).toEqual(['test/reverse/scratch/scale', 'test/reverse/scratch/reverse'])
    expect(times.every(({ milliseconds }) => milliseconds >= 0)).toBe(true)
    expect(await device.read(y)).toEqual(Float32Array.of(3, 2, 1))
    expect(device.wasm.time(() => undefined)).toEqual([])
  })
})

describe('without shared memory', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('runs on one thread with an unshared memory, to the same bits, across growth', async () => {
    const data = Float32Array.from({ length: 400_000 }, (_, i) => i / 3)
    const run = async (device: WasmDevice): Promise<TypedArray> => {
      const x = device.tensor(data, [data.length])
      const plan = device.capture(() => device.run(reverseOp, { x: device.run(scaleOp, { x }, { factor: 3 }).y }, {}).y)
      plan.replay()
      return device.read(plan.result)
    }
    const shared = await run(await open())
    vi.stubGlobal('SharedArrayBuffer', undefined)
    const device = await open({ threads: undefined })
    expect(device.wasm).toMatchObject({ threads: 1, sharedMemory: false })
    expect(device.name).toContain('1 thread, ')
    expect(device.name).toContain('unshared')
    expect(await run(device)).toEqual(shared)
  })

  it.each([
    ['no SharedArrayBuffer', 'SharedArrayBuffer', undefined],
    ['no cross-origin isolation', 'crossOriginIsolated', false],
  ])('refuses more threads, and says which headers bring them: %s', async (_, name, value) => {
    vi.stubGlobal(name, value)
    await expect(open({ threads: 2 })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(
        /2 threads need shared memory.*Cross-Origin-Opener-Policy: same-origin.*threads: 1/,
      ),
    })
  })
})

describe('options', () => {
  it.each([0, -1, 1.5, 257, Number.NaN, Number.POSITIVE_INFINITY])('threads: %d is refused', async (threads) => {
    await expect(open({ threads })).rejects.toMatchObject({
      code: 'invalid-option',
      message: `wasm: threads must be an integer from 1 to 256, not ${threads}`,
    })
  })

  it('takes all cores where threads are not given', async () => {
    const { wasm, capabilities, kind } = await open({ threads: undefined })
    expect(wasm.threads).toBeGreaterThanOrEqual(1)
    expect(wasm.threads).toBeLessThanOrEqual(16)
    const dotAdd = dotAddOf()
    expect(capabilities).toEqual({
      relaxedSimd: hasRelaxedSimd(),
      ...(dotAdd && { dotAdd }),
      threads: wasm.threads,
      sharedMemory: true,
    })
    expect(wasm.dotAdd).toBe(dotAdd)
    // V8 has the instruction from some version after 12.4 on.
    if (Number.parseInt(process.versions.v8, 10) < 12) expect(dotAdd).toBeUndefined()
    expect((await open({ dotAdd: false })).capabilities).not.toHaveProperty('dotAdd')
    expect(kind).toBe('wasm')
  })

  it.each([
    ['maximumBytes', 0],
    ['maximumBytes', Number.NaN],
    ['maximumBytes', 2 ** 20],
    ['joinTimeoutMs', 0],
    ['joinTimeoutMs', Number.NaN],
    ['joinTimeoutMs', Number.POSITIVE_INFINITY],
  ])('%s: %d is refused', async (option, value) => {
    await expect(open({ [option]: value })).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining(`wasm: ${option} must be`),
    })
  })
})

describe('kernels', () => {
  const code = async (kernels: readonly WasmKernel[]): Promise<unknown> =>
    open({ kernels }).then(
      () => 'no error',
      (error: unknown) => (isTesseraError(error) ? `${error.code}: ${error.message}` : error),
    )

  it('of another ABI or another device are refused', async () => {
    expect(await code([{ ...scaleKernel, abi: (kernelAbi + 1) as typeof kernelAbi }])).toMatch(
      /^kernel-abi: .*test\/scale\/plain has ABI 2/,
    )
    expect(await code([{ ...scaleKernel, device: 'webgpu' as 'wasm' }])).toMatch(/^invalid-option: .*is for webgpu/)
  })

  it('that bring two different modules of one name are refused; the same module twice is one', async () => {
    expect(await code([scaleKernel, { ...dotKernel, module: { ...dotKernel.module, simd: 'AGFzbQEAAAA=' } }])).toMatch(
      /^kernel-abi: .*two different modules are called probe-kernels \(one of them brings test\/dot\/rows\)/,
    )
    expect(await code([scaleKernel, { ...dotKernel, module: { ...dotKernel.module } }])).toBe('no error')
  })

  it('whose module is not WebAssembly that this platform compiles are refused', async () => {
    expect(
      await code([{ ...scaleKernel, module: { name: 'broken', relaxed: btoa('not wasm'), simd: btoa('not wasm') } }]),
    ).toMatch(/^unsupported: wasm: this platform cannot compile/)
  })

  it('whose module imports no memory are refused where it is not shared', async () => {
    vi.stubGlobal('SharedArrayBuffer', undefined)
    try {
      expect(
        await code([{ ...scaleKernel, module: { name: 'empty', relaxed: 'AGFzbQEAAAA=', simd: 'AGFzbQEAAAA=' } }]),
      ).toMatch(/^invalid-kernel: .*imports no memory/)
    } finally {
      vi.unstubAllGlobals()
    }
  })

  const misdefined = async (stage: WasmKernel['stages']): Promise<() => unknown> => {
    const device = await open({ kernels: [{ ...scaleKernel, stages: stage }] })
    const x = device.tensor(Float32Array.of(1), [1])
    return () => device.run(scaleOp, { x }, { factor: 2 })
  }

  it('that name an entry that their module does not export fail with its name', async () => {
    expect(await misdefined(() => [{ entry: 'scael', args: () => undefined }])).toThrow(
      expect.objectContaining({
        code: 'invalid-kernel',
        message: 'wasm: test/scale/plain names the entry scael, which its module probe-kernels does not export',
      }),
    )
  })

  it('with more arguments or stages than fit are refused before anything is written', async () => {
    const words =
      (count: number): WasmKernel['stages'] =>
      () => [
        {
          entry: 'scale',
          args: (write, at) => {
            write.u32(at.address('x')).u32(at.address('y')).u32(1).f32(2)
            for (let i = 4; i < count; i++) write.u32(0)
          },
        },
      ]
    const stages =
      (count: number): WasmKernel['stages'] =>
      () =>
        Array.from({ length: count }, () => ({ entry: 'scale', args: () => undefined }))
    expect(await misdefined(words(2048))).not.toThrow()
    expect(await misdefined(words(2049))).toThrow(
      expect.objectContaining({
        code: 'invalid-kernel',
        message: expect.stringContaining('1 stages with 8196 bytes of arguments'),
      }),
    )
    expect(await misdefined(stages(192))).not.toThrow()
    expect(await misdefined(stages(193))).toThrow(
      expect.objectContaining({ code: 'invalid-kernel', message: expect.stringContaining('193 stages') }),
    )
  })
})
