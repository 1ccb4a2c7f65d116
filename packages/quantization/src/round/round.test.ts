import { createRandom } from '@tessera-llm/tensor'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import type { IntegerGrid } from '../quantized-matrix/index.ts'
import { createDeviceRounder, roundPlain } from './index.ts'
import { roundGroupsWasm } from './wasm.ts'

const columns = 384
const random = createRandom(12)
const normal = (): number => random.normal()

/** Rows that searches and roundings may stumble over, within what f16 scales hold. */
const kinds: Readonly<Record<string, (column: number) => number>> = {
  normal,
  'heavy tails': () => normal() ** 3,
  uniform: () => 2 * random.uniform() - 1,
  ties: () => Math.round(4 * normal()) / 4,
  sparse: () => (random.integer(10) ? 0 : normal()),
  zeros: () => 0,
  'negative zeros': () => -0,
  positive: () => Math.abs(normal()),
  negative: () => -Math.abs(normal()),
  constant: () => 0.75,
  'one outlier': (column) => (column === 77 ? 1000 : 0.01 * normal()),
  small: () => 1e-3 * normal(),
  'f16 subnormal': () => 1e-5 * normal(),
  large: () => 1e4 * normal(),
  'groups of unlike size': (column) => 10 ** (((column >> 5) % 5) - 2) * normal(),
  'powers of two': () => (random.integer(2) ? 1 : -1) * 2 ** (random.integer(20) - 10),
  alternating: (column) => (column & 1 ? 1 : -1) * (1 + column / 512),
}
const names = Object.keys(kinds)
// An odd number of groups of a row each.
const rows = 2 * names.length + 1
const values = Float32Array.from({ length: rows * columns }, (_, i) =>
  (kinds[names[Math.floor(i / columns) % names.length] as string] as (column: number) => number)(i % columns),
)
const importances: Readonly<Record<string, Float32Array | undefined>> = {
  none: undefined,
  uneven: Float32Array.from({ length: columns }, () => normal() ** 2),
  'with zeros': Float32Array.from({ length: columns }, (_, i) => ((i >> 4) % 3 ? random.uniform() : 0)),
  nothing: new Float32Array(columns),
}
const grids = ([2, 3, 4, 8] as const).flatMap((bits) =>
  [true, false].flatMap((isSymmetric) =>
    (
      [
        [64, 'f16'],
        [32, 'f32'],
        [128, 'bf16'],
        ['row', 'f16'],
      ] as const
    ).map(([group, scaleType]): IntegerGrid => ({ kind: 'integer', bits, group, isSymmetric, scaleType })),
  ),
)

describe.each([
  { threads: 1, relaxedSimd: true },
  { threads: 3, relaxedSimd: false },
])('on $threads threads the codes, scales and zeros are those of the plain way', ({ threads, relaxedSimd }) => {
  let device: WasmDevice
  beforeAll(async () => {
    device = await createWasmDevice({ kernels: [roundGroupsWasm], threads, relaxedSimd })
  })
  afterAll(() => device.dispose())

  it.each(
    grids.map(
      (grid) => [`${grid.bits} bits by ${grid.group}, ${grid.scaleType}, symmetric ${grid.isSymmetric}`, grid] as const,
    ),
  )('%s', async (_, grid) => {
    const round = createDeviceRounder(device)
    for (const [kind, importance] of Object.entries(importances)) {
      const weight = { values, shape: [rows, columns] as const }
      const [made, expected] = await Promise.all([
        round(weight, grid, { importance }),
        roundPlain(weight, grid, { importance }),
      ])
      const wrong = Array.from({ length: rows }, (_, row) => row).filter((row) =>
        made.codes
          .subarray(row * columns, (row + 1) * columns)
          .some((code, i) => code !== expected.codes[row * columns + i]),
      )
      expect(
        wrong.map((row) => names[row % names.length]),
        `importance ${kind}`,
      ).toEqual([])
      expect(made.scales, `importance ${kind}`).toEqual(expected.scales)
      expect(made.zeros, `importance ${kind}`).toEqual(expected.zeros)
    }
    expect(device.memory().liveTensors).toBe(0)
  })
})

/** Values on a grid of f16 steps and on the middles between its points: sums and quotients are equal, or nearly so. */
const degenerate: Readonly<Record<string, (step: number) => number>> = {
  'on the grid': (step) => step * (random.integer(16) - 7),
  'on middles': (step) => step * (random.integer(16) - 7.5),
  'on both': (step) => (step * (random.integer(31) - 15)) / 2,
  'beside middles': (step) => Math.fround(step * (random.integer(16) - 7.5) * (1 + (random.integer(5) - 2) * 2 ** -23)),
  'two values': (step) => (random.integer(2) ? step : -step),
  'a few values': (step) => step * ([0, 0.1, 1, -0.3][random.integer(4)] as number),
}

test.each(Object.keys(degenerate))('where errors of scales are equal or nearly so: values %s', async (kind) => {
  const device = await createWasmDevice({ kernels: [roundGroupsWasm], threads: 1 })
  const value = degenerate[kind] as (step: number) => number
  const count = 399
  // From f16's subnormal scales to where its scales end.
  const steps = Float32Array.from(
    { length: count },
    () => (1 + random.integer(1024) / 1024) * 2 ** (random.integer(30) - 17),
  )
  const many = Float32Array.from({ length: count * 64 }, (_, i) => value(steps[i >> 6] as number))
  for (const bits of [2, 3, 4, 8] as const)
    for (const isSymmetric of [true, false])
      for (const width of [64, 16, 6]) {
        const grid: IntegerGrid = { kind: 'integer', bits, group: width, isSymmetric, scaleType: 'f16' }
        const shape = width === 6 ? ([many.length / 96, 96] as const) : ([count, 64] as const)
        const weight = { values: many.subarray(0, shape[0] * shape[1]), shape }
        expect(await createDeviceRounder(device)(weight, grid), `${bits} bits by ${width}, ${isSymmetric}`).toEqual(
          await roundPlain(weight, grid),
        )
      }
  await device.dispose()
})

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
  '%s is refused with its place, in groups of any width',
  async (bad) => {
    const device = await createWasmDevice({ kernels: [roundGroupsWasm], threads: 1 })
    for (const [width, scaleType] of [
      [64, 'f16'],
      [6, 'f16'],
      [64, 'f32'],
    ] as const) {
      const odd = Float32Array.from({ length: 4 * 192 }, normal)
      odd[192 * 2 + 77] = bad
      const grid: IntegerGrid = { kind: 'integer', bits: 4, group: width, isSymmetric: false, scaleType }
      await expect(createDeviceRounder(device)({ values: odd, shape: [4, 192] }, grid)).rejects.toThrow(
        `rtn: the weight [4, 192] holds ${bad} at row 2, column 77`,
      )
    }
    await device.dispose()
  },
)

test('what f16 cannot hold as a scale, and what the kernel does not do, is as the plain way has it', async () => {
  const device = await createWasmDevice({ kernels: [roundGroupsWasm], threads: 1 })
  const round = createDeviceRounder(device)
  const grid: IntegerGrid = { kind: 'integer', bits: 4, group: 64, isSymmetric: true, scaleType: 'f16' }
  const tiny = { values: Float32Array.from({ length: 128 }, () => 1e-10 * normal()), shape: [2, 64] as const }
  const huge = { values: Float32Array.from({ length: 128 }, () => 1e8 * normal()), shape: [2, 64] as const }
  expect(await round(tiny, grid)).toEqual(await roundPlain(tiny, grid))
  await expect(round(huge, grid)).rejects.toThrow('is too large for f16')
  await expect(round({ values: new Float32Array(128).fill(Number.NaN), shape: [2, 64] }, grid)).rejects.toThrow()
  const ragged = { values: Float32Array.from({ length: 160 }, normal), shape: [2, 80] as const }
  for (const other of [grid, { ...grid, group: 'tensor' } as const])
    expect(await round(ragged, other)).toEqual(await roundPlain(ragged, other))
  expect(await round(ragged, { ...grid, group: 16 }, { scale: 'range' })).toEqual(
    await roundPlain(ragged, { ...grid, group: 16 }, { scale: 'range' }),
  )
  await device.dispose()
})
