import {
  compare,
  type GoldenCase,
  goldenInput,
  type GoldenOutput,
  goldenOutput,
  readGolden,
} from '@tessera-llm/testing'
import { expect } from 'vitest'
import type { LinearStatistics, WeightMatrix } from '../src/index.ts'

const cases = await readGolden(new URL('golden', import.meta.url), 'quant')

/** Golden cases of an operation whose name fits. */
export function casesOf(op: string, name: RegExp = /^/): readonly GoldenCase[] {
  return cases.filter((golden) => golden.op === op && name.test(golden.name))
}

/** An input or expected output as f32. */
export function floats(value: { readonly data: ArrayLike<number | bigint> }): Float32Array {
  return Float32Array.from(value.data as ArrayLike<number>)
}

export function weightOf(golden: GoldenCase, input = 'w'): WeightMatrix {
  const { data, shape } = goldenInput(golden, input)
  return { values: Float32Array.from(data as Float32Array), shape: [shape[0] as number, shape[1] as number] }
}

/** Statistics that calibration would gather from the case's inputs x [tokens, K]. */
export function statisticsOf(golden: GoldenCase): LinearStatistics {
  const { data, shape } = goldenInput(golden, 'x')
  return gatherStatistics(Float32Array.from(data as Float32Array), shape[1] as number)
}

export function gatherStatistics(x: Float32Array, columns: number): LinearStatistics {
  const count = x.length / columns
  const secondMoment = new Float64Array(columns * columns)
  const sum = new Float32Array(columns)
  const absMax = new Float32Array(columns)
  const absSum = new Float32Array(columns)
  for (let token = 0; token < count; token++) {
    const at = token * columns
    for (let i = 0; i < columns; i++) {
      const value = x[at + i] as number
      sum[i] = (sum[i] as number) + value
      absMax[i] = Math.max(absMax[i] as number, Math.abs(value))
      absSum[i] = (absSum[i] as number) + Math.abs(value)
      for (let j = 0; j < columns; j++)
        secondMoment[i * columns + j] = (secondMoment[i * columns + j] as number) + value * (x[at + j] as number)
    }
  }
  return { columns, count, secondMoment: Float32Array.from(secondMoment), sum, absMax, absSum }
}

/** Expects at least the golden's fraction of equal codes, and equal values wherever codes are. */
export function expectCodes(golden: GoldenCase, codes: ArrayLike<number>, values: ArrayLike<number>): void {
  const wanted = goldenOutput(golden, 'q')
  const wantedValues = goldenOutput(golden, 'dequant')
  const equal = Array.from(codes, (code, i) => code === Number(wanted.data[i]))
  expect(equal.filter(Boolean).length / equal.length, `${golden.name}: equal codes`).toBeGreaterThanOrEqual(
    wanted.minMatch,
  )
  expectClose(
    golden.name,
    Array.from(values, (value, i) => (equal[i] ? value : Number(wantedValues.data[i]))),
    wantedValues,
  )
}

export function expectClose(name: string, values: ArrayLike<number>, wanted: GoldenOutput): void {
  const { pass, message } = compare(values, wanted.data as ArrayLike<number>, wanted.tolerance)
  expect(pass, `${name}: ${message}`).toBe(true)
}

/** |X (W − Q)ᵀ|² and |X Wᵀ|². */
export function outputError(
  x: Float32Array,
  w: Float32Array,
  q: Float32Array,
  columns: number,
): { readonly error: number; readonly energy: number } {
  let error = 0
  let energy = 0
  for (let token = 0; token < x.length; token += columns) {
    for (let row = 0; row < w.length; row += columns) {
      let difference = 0
      let output = 0
      for (let i = 0; i < columns; i++) {
        const value = x[token + i] as number
        output += value * (w[row + i] as number)
        difference += value * ((w[row + i] as number) - (q[row + i] as number))
      }
      error += difference ** 2
      energy += output ** 2
    }
  }
  return { error, energy }
}
