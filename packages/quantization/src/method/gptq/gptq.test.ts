import { goldenOutput } from '@tessera-llm/testing'
import { createRandom } from '@tessera-llm/tensor'
import { describe, expect, test } from 'vitest'
import {
  casesOf,
  expectClose,
  expectCodes,
  floats,
  gatherStatistics,
  outputError,
  statisticsOf,
  weightOf,
} from '../../../test/method-golden.ts'
import { createPlainMultiply, dequantizeMatrix, gptq, type Grid, type IntegerGrid, rtn } from '../../index.ts'
import { createWasmMultiply } from '../../linear-algebra/wasm.ts'

const multiplies = [
  ['plain', createPlainMultiply()],
  ['WebAssembly', await createWasmMultiply()],
] as const

describe.for(multiplies)('%s', ([, multiply]) => {
  test.for(casesOf('gptq'))('$name', (golden) => {
    const params = golden.params as {
      bits: IntegerGrid['bits']
      group: number | null
      symmetric: boolean
      act_order: boolean
      static_groups: boolean
      block: number
      damping: number
    }
    const grid: Grid = {
      kind: 'integer',
      bits: params.bits,
      isSymmetric: params.symmetric,
      group: params.group ?? 'row',
      scaleType: 'f32',
    }
    const { matrix, damping, notes } = gptq(weightOf(golden), statisticsOf(golden), grid, {
      order: params.act_order ? 'columns' : 'stored',
      staticGroups: params.static_groups,
      scale: 'range',
      passes: 0,
      damping: params.damping,
      block: params.block,
      multiply,
    })
    const values = dequantizeMatrix(matrix)
    expectCodes(golden, matrix.codes, values)
    expectClose('scales', matrix.scales, goldenOutput(golden, 'scales'))
    if (matrix.zeros) expect([...matrix.zeros]).toEqual([...floats(goldenOutput(golden, 'zeros'))])
    const groups = goldenOutput(golden, 'g_idx').data
    expect([...(matrix.groupOfColumn ?? floats({ data: groups as Int32Array }))]).toEqual([
      ...floats({ data: groups as Int32Array }),
    ])
    const { error, energy } = outputError(
      floats(golden.inputs['x'] as { data: Float32Array }),
      weightOf(golden).values,
      values,
      matrix.shape[1],
    )
    expect(error / energy).toBeLessThan((goldenOutput(golden, 'rel_err').data[0] as number) * 1.01)
    expect([damping, notes]).toEqual([params.damping, []])
  })
})

describe('what the options gain', () => {
  const golden = casesOf('gptq', /gptq_3b$/)[0] as ReturnType<typeof casesOf>[number]
  const x = floats(golden.inputs['x'] as { data: Float32Array })
  const weight = weightOf(golden)
  const columns = weight.shape[1]
  const statistics = statisticsOf(golden)
  const grid: Grid = { kind: 'integer', bits: 3, isSymmetric: false, group: 32, scaleType: 'f16' }
  const errorOf = (options: Parameters<typeof gptq>[3]): number =>
    outputError(x, weight.values, dequantizeMatrix(gptq(weight, statistics, grid, options).matrix), columns).error

  test('the loss is the squared error of the outputs, but for the damping', () => {
    const { matrix, loss } = gptq(weight, statistics, grid, { damping: 1e-9 })
    expect(loss * statistics.count).toBeCloseTo(
      outputError(x, weight.values, dequantizeMatrix(matrix), columns).error,
      3,
    )
  })

  test('error feedback beats rounding, searched scales beat ranges, and going over all codes again beats both', () => {
    const nearest = outputError(x, weight.values, dequantizeMatrix(rtn(weight, grid)), columns).error
    const plain = errorOf({ scale: 'range', order: 'stored', passes: 0 })
    const searched = errorOf({ passes: 0 })
    const refined = errorOf({})
    expect(plain).toBeLessThan(nearest * 0.65)
    expect(searched).toBeLessThan(plain * 0.9)
    expect(refined).toBeLessThan(searched * 0.97)
    expect(errorOf({ order: 'columns' })).toBeLessThan(searched)
  })

  test('groups keep their columns under the order `groups`', () => {
    expect(gptq(weight, statistics, grid, { order: 'groups' }).matrix.groupOfColumn).toBeUndefined()
    expect(
      gptq(weight, statistics, grid, { order: 'columns', staticGroups: true }).matrix.groupOfColumn,
    ).toBeUndefined()
    expect(gptq(weight, statistics, grid, { order: 'columns' }).matrix.groupOfColumn).toBeDefined()
  })

  test('correction aims at the outputs of the uncompressed model', () => {
    // The compressed model's inputs are those of the original, mixed and disturbed.
    const random = createRandom(3)
    const disturbed = x.map(
      (value, i) => 0.9 * value + 0.3 * (x[i - (i % columns) + ((i + 7) % columns)] as number) + 0.1 * random.normal(),
    )
    const seen = gatherStatistics(disturbed, columns)
    const mismatch = new Float32Array(columns * columns)
    for (let token = 0; token < x.length; token += columns) {
      for (let i = 0; i < columns; i++) {
        for (let j = 0; j < columns; j++)
          mismatch[i * columns + j] =
            (mismatch[i * columns + j] as number) +
            ((x[token + i] as number) - (disturbed[token + i] as number)) * (disturbed[token + j] as number)
      }
    }
    const errorWith = (correction: number): number => {
      const values = dequantizeMatrix(gptq(weight, { ...seen, mismatch }, grid, { correction }).matrix)
      let error = 0
      for (let token = 0; token < x.length; token += columns) {
        for (let row = 0; row < values.length; row += columns) {
          let difference = 0
          for (let i = 0; i < columns; i++)
            difference +=
              (x[token + i] as number) * (weight.values[row + i] as number) -
              (disturbed[token + i] as number) * (values[row + i] as number)
          error += difference ** 2
        }
      }
      return error
    }
    const whole = errorWith(1)
    expect(whole).toBeLessThan(errorWith(0.5) * 0.9)
    expect(whole).toBeLessThan(errorWith(0) * 0.6)
  })
})

describe('what is odd', () => {
  const grid: Grid = { kind: 'integer', bits: 4, isSymmetric: false, group: 32, scaleType: 'f16' }
  const random = createRandom(5)
  const weight = { values: Float32Array.from({ length: 3 * 40 }, () => random.normal()), shape: [3, 40] as const }

  test('inputs that were always zero, and a last short group', () => {
    const x = Float32Array.from({ length: 100 * 40 }, (_, i) => (i % 40 === 7 ? 0 : random.normal()))
    const { matrix, notes } = gptq(weight, gatherStatistics(x, 40), grid, { order: 'groups' })
    const values = dequantizeMatrix(matrix)
    expect(notes).toEqual([])
    expect(values.every((value, i) => Math.abs(value - (weight.values[i] as number)) < 2)).toBe(true)
    for (const row of [0, 1, 2])
      expect(Math.abs((values[row * 40 + 7] as number) - (weight.values[row * 40 + 7] as number))).toBeLessThan(
        (matrix.scales[row * 2] as number) * 0.51,
      )
  })

  test('a matrix that cannot be factored is damped more, and the note says so', () => {
    const indefinite = new Float32Array(40 * 40)
    for (let i = 0; i < 40; i++) indefinite[i * 41] = 1
    indefinite[1] = indefinite[40] = 1.05
    const damped = gptq(weight, { columns: 40, count: 1, secondMoment: indefinite }, grid, { damping: 0.01 })
    expect(damped.damping).toBe(0.1)
    expect(damped.notes).toEqual(['gptq: the second moment of the inputs needed a damping of 0.1 instead of 0.01'])
    indefinite[1] = indefinite[40] = 100
    const hopeless = gptq(weight, { columns: 40, count: 1, secondMoment: indefinite }, grid)
    expect(hopeless.damping).toBeUndefined()
    expect(hopeless.notes[0]).toContain('the weight 3 × 40 was rounded to nearest instead')
    expect(dequantizeMatrix(hopeless.matrix)).toEqual(dequantizeMatrix(rtn(weight, grid)))
  })

  test('what does not fit is refused by name', () => {
    const statistics = gatherStatistics(new Float32Array(40).fill(1), 40)
    expect(() => gptq(weight, { columns: 40, count: 1 }, grid)).toThrow(
      'gptq: takes the second moment of the inputs, f32 [40, 40], got none',
    )
    expect(() => gptq(weight, { ...statistics, columns: 39 }, grid)).toThrow('the statistics are of 39 inputs')
    expect(() => gptq(weight, { ...statistics, secondMoment: new Float32Array(1600) }, grid)).toThrow(
      'is zero; the layer saw no calibration text',
    )
    expect(() =>
      gptq(weight, { ...statistics, secondMoment: new Float32Array(1600).fill(Number.POSITIVE_INFINITY) }, grid),
    ).toThrow('overflowed')
    expect(() => gptq(weight, statistics, grid, { correction: 1 })).toThrow(
      'correction takes the mismatch of the inputs, f32 [40, 40], got none',
    )
    expect(() => gptq(weight, statistics, grid, { damping: -1 })).toThrow(
      'damping is a fraction of the mean diagonal ≥ 0, got -1',
    )
    expect(() => gptq(weight, statistics, grid, { block: 0 })).toThrow('block is a number of columns, got 0')
  })
})
