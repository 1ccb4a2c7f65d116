import { createRandom, createReferenceDevice, type Device } from '@tessera-llm/tensor'
import { conform, wasmSetups } from '@tessera-llm/testing'
import { createWasmDevice, hasRelaxedSimd } from '@tessera-llm/wasm'
import { describe, expect, test } from 'vitest'
import { gatherStatistics, outputError } from '../../../test/method-golden.ts'
import { codebookGrid, createDeviceGptq, dequantizeMatrix, gptq, type Grid } from '../../index.ts'
import { type BegunGptq, beginGptq } from './gptq.ts'
import type { GptqPlan } from './kernel.ts'
import { panelsOf } from './panels.ts'
import { sweepRowsOp } from './sweep-rows.ts'
import { createWasmGptqKernel, sweepRowsWasm } from './wasm.ts'

describe('the kernel in WebAssembly computes what the f64 one does, but for roundings that f32 flips', async () => {
  const kernel = await createWasmGptqKernel(80)
  const random = createRandom(11)
  const columns = 74
  const mixed = Float32Array.from({ length: 300 * columns }, (_, i) => random.normal() * (1 + (i % columns) / 20))
  const x = mixed.map((value, i) => value + 0.8 * (mixed[i - (i % columns)] as number))
  const mismatch = Float32Array.from({ length: columns * columns }, () => 15 * random.normal())
  const statistics = { ...gatherStatistics(x, columns), mismatch }
  const weight = {
    values: Float32Array.from({ length: 21 * columns }, (_, i) =>
      Math.floor(i / columns) === 4 ? 0 : 0.02 * random.normal(),
    ),
    shape: [21, columns] as const,
  }
  const integers = ([2, 3, 4, 8] as const).flatMap((bits) =>
    [true, false].map(
      (isSymmetric): Grid => ({
        kind: 'integer',
        bits,
        isSymmetric,
        group: 32,
        scaleType: bits === 3 ? 'bf16' : 'f16',
      }),
    ),
  )
  const grids = [...integers, codebookGrid('nf4', 16), codebookGrid('fp4_e2m1', 64, 'f32')]

  test.for(grids)('%o', (grid) => {
    for (const options of [
      { passes: 0, scale: 'range' },
      { passes: 0 },
      {},
      { order: 'columns' },
      { correction: 1 },
    ] as const) {
      const exact = gptq(weight, statistics, grid, options)
      const fast = gptq(weight, statistics, grid, { ...options, kernel })
      expect(Math.abs(fast.loss / exact.loss - 1), JSON.stringify(options)).toBeLessThan(0.02)
      const got = dequantizeMatrix(fast.matrix)
      const { error } = outputError(x, weight.values, got, columns)
      if (!('correction' in options)) expect(error / statistics.count).toBeLessThan(fast.loss * 1.001)
      const equal = fast.matrix.codes.filter((code, i) => code === exact.matrix.codes[i]).length
      expect(equal / got.length, JSON.stringify(options)).toBeGreaterThan(
        grid.kind === 'integer' && grid.bits === 8 ? 0.8 : 0.9,
      )
      expect(fast.matrix.groupOfColumn).toEqual(exact.matrix.groupOfColumn)
      expect([...got.subarray(4 * columns, 5 * columns)].every((value) => value === 0)).toBe(true)
    }
  })

  test.for(wasmSetups)(
    'on $threads threads of a device, relaxed SIMD $relaxedSimd, codes and scales are the same',
    async (setup) => {
      const { threads, relaxedSimd } = setup
      const device = await createWasmDevice({ kernels: [sweepRowsWasm], threads, relaxedSimd })
      const round = createDeviceGptq(device)
      // The kernel without a device takes the build with relaxed SIMD where that is there.
      const isSameBuild = relaxedSimd === hasRelaxedSimd()
      for (const grid of grids) {
        for (const options of [{}, { order: 'columns' }, { correction: 1, passes: 0 }] as const) {
          const expected = gptq(weight, statistics, grid, { ...options, kernel })
          const { matrix, loss, damping, notes } = await round(weight, statistics, grid, options)
          expect([loss / expected.loss, damping, notes]).toEqual([
            isSameBuild ? expect.closeTo(1, 9) : expect.closeTo(1, 1),
            expected.damping,
            [],
          ])
          if (isSameBuild) expect(matrix, JSON.stringify([grid, options])).toEqual(expected.matrix)
        }
      }
      expect(device.memory().liveTensors).toBe(0)
      await device.dispose()
    },
  )

  test.for(wasmSetups)('the op conforms on $threads threads, relaxed SIMD $relaxedSimd', async (setup) => {
    const device = await createWasmDevice({ kernels: [sweepRowsWasm], ...setup })
    const problems = grids.map((grid) => {
      const { plan, store } = beginGptq(weight, statistics, grid, { correction: 1 }) as BegunGptq
      const { stride, options, ...panels } = panelsOf(plan as GptqPlan, store)
      const given =
        (values: Float32Array | Int32Array | undefined, ...shape: number[]) =>
        (on: Device) =>
          on.tensor(values as Float32Array, shape)
      return {
        name: JSON.stringify(grid),
        inputs: {
          weights: given(weight.values, ...weight.shape),
          order: given(panels.order, columns),
          factor: given(panels.factor, stride, stride),
          hessian: given(panels.hessian, stride, stride),
          mismatch: given(panels.mismatch, stride, stride),
          triangles: given(panels.triangles, Math.ceil(columns / options.width), options.width, options.width),
          table: panels.table && given(panels.table, panels.table.length),
        },
        options,
      }
    })
    await conform(device, createReferenceDevice(), sweepRowsOp, problems)
    await device.dispose()
  })

  test('the reference of the op is the f64 form', async () => {
    const device = createReferenceDevice()
    const round = createDeviceGptq(device)
    for (const grid of [integers[4], codebookGrid('nf4', 16)] as Grid[]) {
      const exact = gptq(weight, statistics, grid, { correction: 1 })
      const { matrix, loss } = await round(weight, statistics, grid, { correction: 1 })
      expect(loss / exact.loss).toBeCloseTo(1, 2)
      const equal = matrix.codes.filter((code, i) => code === exact.matrix.codes[i]).length
      expect(equal / matrix.codes.length).toBeGreaterThan(0.95)
    }
    expect(device.memory().liveTensors).toBe(0)
  })

  test('scales that all round to zero leave codes that stand for zero, whatever rows there were before', () => {
    const grid: Grid = { kind: 'integer', bits: 4, isSymmetric: false, group: 32, scaleType: 'f16' }
    // A zero before any other weight of its group: no candidate has a loss that is a number.
    const tiny = weight.values.map((value, i) =>
      Math.floor(i / columns) === 12 ? (i % columns === 3 ? 1e-9 : 0) : value,
    )
    const alone = tiny.slice(12 * columns, 13 * columns)
    const options = { kernel, order: 'stored' } as const
    const among = gptq({ ...weight, values: tiny }, statistics, grid, options).matrix
    const { codes, scales } = gptq({ values: alone, shape: [1, columns] }, statistics, grid, options).matrix
    expect(among.codes.subarray(12 * columns, 13 * columns)).toEqual(codes)
    expect(among.scales.subarray(12 * 3, 13 * 3)).toEqual(scales)
    expect(scales[0]).toBe(1)
    expect(dequantizeMatrix(among).subarray(12 * columns, 13 * columns)).toEqual(new Float32Array(columns))
  })

  test('what it does not take, the f64 form computes', async () => {
    const device = await createWasmDevice({ kernels: [sweepRowsWasm], threads: 1 })
    for (const grid of [
      { kind: 'integer', bits: 4, isSymmetric: false, group: 'row', scaleType: 'f16' },
      codebookGrid('fp4_e2m1', 32, 'e8m0'),
      codebookGrid('fp8_e4m3', 32),
    ] satisfies Grid[]) {
      expect(kernel.supports(grid, columns)).toBe(false)
      const exact = gptq(weight, statistics, grid, { passes: 1 })
      expect(gptq(weight, statistics, grid, { kernel, passes: 1 })).toEqual(exact)
      expect(await createDeviceGptq(device)(weight, statistics, grid, { passes: 1 })).toEqual(exact)
    }
    const wide = { ...integers[0], group: 32 } as Grid
    expect(await createDeviceGptq(device)(weight, statistics, wide, { block: 64 })).toEqual(
      gptq(weight, statistics, wide, { block: 64 }),
    )
    const indefinite = new Float32Array(columns ** 2).fill(100).map((value, i) => (i % (columns + 1) ? value : 1))
    const hopeless = { ...statistics, secondMoment: indefinite }
    expect(await createDeviceGptq(device)(weight, hopeless, wide)).toEqual(gptq(weight, hopeless, wide))
    await device.dispose()
    expect(kernel.supports(codebookGrid('nf4', 16), 81)).toBe(false)
  })

  test('sizes and calls that cannot be are refused', async () => {
    await expect(createWasmGptqKernel(0)).rejects.toThrow('the kernel takes up to 16384 columns, got 0')
  })
})
