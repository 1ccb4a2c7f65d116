import { goldenOutput } from '@tessera-llm/testing'
import { createRandom } from '@tessera-llm/tensor'
import { describe, expect, test } from 'vitest'
import { casesOf, expectClose, floats, weightOf } from '../../../test/method-golden.ts'
import { dequantizeMatrix, type Grid, type IntegerGrid, rtn } from '../../index.ts'

describe('the range rule', () => {
  test.for(casesOf('uniform_quant'))('$name', (golden) => {
    const { bits, symmetric, granularity, group } = golden.params as {
      bits: IntegerGrid['bits']
      symmetric: boolean
      granularity: string
      group: number
    }
    const grid: Grid = {
      kind: 'integer',
      bits,
      isSymmetric: symmetric,
      group: granularity === 'group' ? group : granularity === 'tensor' ? 'tensor' : 'row',
      scaleType: 'f32',
    }
    const matrix = rtn(weightOf(golden, 'x'), grid, { scale: 'range' })
    const middle = symmetric ? 2 ** (bits - 1) : 0
    expect(Array.from(matrix.codes, (code) => code - middle)).toEqual(
      Array.from(goldenOutput(golden, 'q').data as Int8Array),
    )
    expectClose('scales', matrix.scales, goldenOutput(golden, 'scale'))
    if (!symmetric) expect([...(matrix.zeros ?? [])]).toEqual([...floats(goldenOutput(golden, 'zero'))])
    expectClose('values', dequantizeMatrix(matrix), goldenOutput(golden, 'dequant'))
  })
})

const random = createRandom(1)
const weight = { values: Float32Array.from({ length: 6 * 72 }, () => random.normal()), shape: [6, 72] as const }
const errorOf = (
  grid: Grid,
  options: Parameters<typeof rtn>[2],
  cost: (column: number) => number = () => 1,
): number => {
  const values = dequantizeMatrix(rtn(weight, grid, options))
  return values.reduce((sum, value, i) => sum + cost(i % 72) * (value - (weight.values[i] as number)) ** 2, 0)
}

describe('the search rule', () => {
  const table: Grid = {
    kind: 'codebook',
    id: 'odd',
    values: Float32Array.of(0.3, -1, 0, 1, -0.3, 0.7),
    group: 32,
    scaleType: 'f16',
  }
  const grids: readonly Grid[] = [2, 3, 4].flatMap((bits) =>
    [true, false].map(
      (isSymmetric): Grid => ({ kind: 'integer', bits: bits as 2 | 3 | 4, isSymmetric, group: 32, scaleType: 'f16' }),
    ),
  )
  test.for([...grids, table])('never errs more than the range, much less at 2 bits; %o', (grid) => {
    const searched = errorOf(grid, { scale: 'search' })
    expect(searched).toBeLessThan(
      errorOf(grid, { scale: 'range' }) * (grid.kind === 'integer' && grid.bits === 2 ? 0.85 : 1),
    )
  })

  test.for([4, 3, 2] as const)('finds the grid of %i bits that weights lie on already', (bits) => {
    const draw = createRandom(bits)
    const last = 2 ** bits - 1
    // Each group has its lowest and its highest code, a scale that f16 holds, and zero among its values.
    const groups = Array.from({ length: 40 }, () => ({
      scale: (1 + draw.integer(1024) / 1024) / 64,
      zero: draw.integer(last + 1),
    }))
    const values = Float32Array.from(
      groups.flatMap(({ scale, zero }) =>
        Array.from({ length: 32 }, (_, i) => scale * ((i === 0 ? 0 : i === 1 ? last : draw.integer(last + 1)) - zero)),
      ),
    )
    const matrix = rtn(
      { values, shape: [40, 32] },
      { kind: 'integer', bits, isSymmetric: false, group: 32, scaleType: 'f16' },
    )
    expect(dequantizeMatrix(matrix)).toEqual(values)
  })

  test('importance moves the error to the columns that matter less', () => {
    const grid: Grid = { kind: 'integer', bits: 3, isSymmetric: false, group: 36, scaleType: 'f32' }
    const importance = Float32Array.from({ length: 72 }, (_, column) => (column % 5 === 0 ? 50 : 1))
    const cost = (column: number): number => importance[column] as number
    expect(errorOf(grid, { importance }, cost)).toBeLessThan(errorOf(grid, {}, cost) * 0.8)
  })
})

test('what does not fit is refused by name', () => {
  const grid: Grid = { kind: 'integer', bits: 4, isSymmetric: true, group: 32, scaleType: 'f16' }
  expect(() => rtn({ values: new Float32Array(5), shape: [2, 3] }, grid)).toThrow(
    'rtn: a weight [2, 3] has 6 values (at least one), got 5',
  )
  expect(() => rtn({ values: Float32Array.of(1, 2, 3, Number.NaN), shape: [2, 2] }, grid)).toThrow(
    'rtn: the weight [2, 2] holds NaN at row 1, column 1',
  )
  expect(() => rtn({ values: Float32Array.of(1e7), shape: [1, 1] }, grid)).toThrow('too large for f16')
  expect(() => rtn(weight, { ...grid, group: 0 })).toThrow(
    'rtn: a group is a number of columns > 0, "row" or "tensor", got 0',
  )
  expect(() => rtn(weight, { ...grid, bits: 6 as never })).toThrow('rtn: integers have 2, 3, 4 or 8 bits, got 6')
  expect(() =>
    rtn(weight, { kind: 'codebook', id: 'none', values: new Float32Array(1), group: 4, scaleType: 'f32' }),
  ).toThrow('rtn: a table has 2 to 256 values, got 1')
  expect(() => rtn(weight, grid, { importance: new Float32Array(3) })).toThrow(
    'importance holds one weight for each of the 72 columns, got 3',
  )
})
