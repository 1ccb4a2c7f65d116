import { hadamard } from '@tessera-llm/kernels'
import { goldenInput, goldenOutput } from '@tessera-llm/testing'
import { createRandom, createReferenceDevice } from '@tessera-llm/tensor'
import { describe, expect, test } from 'vitest'
import { casesOf, expectClose, floats, weightOf } from '../../../test/method-golden.ts'
import {
  hadamardMatrix,
  hadamardRotation,
  orthogonalRotation,
  planRotation,
  type Rotation,
  transformBias,
  transformWeight,
} from './index.ts'

/** The largest element of R · Rᵀ − 1. */
function deviation({ size, matrix }: Rotation): number {
  let most = 0
  for (let a = 0; a < size; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = a === b ? -1 : 0
      for (let i = 0; i < size; i++) sum += (matrix[a * size + i] as number) * (matrix[b * size + i] as number)
      most = Math.max(most, Math.abs(sum))
    }
  }
  return most
}

describe('rotations', () => {
  test.for([1, 2, 12, 20, 28, 36, 44, 60, 64, 72, 76, 80, 96, 124, 144, 192, 224])(
    'a Hadamard matrix of order %i',
    (size) => {
      expect(deviation(hadamardRotation(size, 1))).toBeLessThan(1e-13)
    },
  )

  test('the sizes of SmolLM2 and Qwen are known, others are refused', () => {
    for (const size of [576, 896, 1536])
      expect(hadamardMatrix(size).every((value) => value === 1 || value === -1)).toBe(true)
    for (const size of [6, 45, 52, 92])
      expect(() => hadamardRotation(size, 0)).toThrow(
        `no Hadamard matrix of order ${size} is known here; use orthogonalRotation`,
      )
  })

  test.for([1, 2, 3, 45, 64])('a random orthogonal matrix of size %i', (size) => {
    expect(deviation(orthogonalRotation(size, 7))).toBeLessThan(1e-13)
    expect([...orthogonalRotation(size, 7).matrix]).toEqual([...orthogonalRotation(size, 7).matrix])
    if (size > 3) expect([...orthogonalRotation(size, 7).matrix]).not.toEqual([...orthogonalRotation(size, 8).matrix])
  })

  test('is uniform: entries have mean 0, variance 1/n and no preferred sign in any place', () => {
    const size = 8
    const draws = 2000
    const sums = new Float64Array(size * size)
    const squares = new Float64Array(size * size)
    for (let seed = 0; seed < draws; seed++) {
      for (const [i, value] of orthogonalRotation(size, seed).matrix.entries()) {
        sums[i] = (sums[i] as number) + value / draws
        squares[i] = (squares[i] as number) + (value * value) / draws
      }
    }
    // Standard errors: 0.0079 of the means, 0.0033 of the squares.
    expect(Math.max(...sums.map(Math.abs))).toBeLessThan(0.035)
    expect(Math.max(...squares.map((square) => Math.abs(square - 1 / size)))).toBeLessThan(0.015)
  })
})

test.for(casesOf('hadamard'))('$name', (golden) => {
  const { n } = golden.params as { n: number }
  const { data: small, shape } = goldenInput(golden, 'hadamard_m')
  const sign = floats(goldenInput(golden, 'sign'))
  const order = shape[0] as number
  const sylvester = hadamardMatrix(n / order)
  const power = n / order
  const matrix = Float64Array.from({ length: n * n }, (_, i) => {
    const row = Math.floor(i / n)
    const column = i % n
    return (
      ((sign[row] as number) *
        Number(small[Math.floor(row / power) * order + Math.floor(column / power)]) *
        (sylvester[(row % power) * power + (column % power)] as number)) /
      Math.sqrt(n)
    )
  })
  const input = { size: n, matrix }
  const x = transformWeight(weightOf(golden, 'x'), { input })
  const w = transformWeight(weightOf(golden), { input })
  expectClose('x', x.values, goldenOutput(golden, 'x_rot'))
  expectClose('w', w.values, goldenOutput(golden, 'w_rot'))
  const own = hadamardRotation(n, 3)
  expectClose(
    'y',
    product(
      transformWeight(weightOf(golden, 'x'), { input: own }).values,
      transformWeight(weightOf(golden), { input: own }).values,
      n,
    ),
    goldenOutput(golden, 'y'),
  )
})

test.for(casesOf('hadamard'))('the op that runtimes have gives $name', async (golden) => {
  const { n } = golden.params as { n: number }
  const {
    data: small,
    shape: [order = 1],
  } = goldenInput(golden, 'hadamard_m')
  const sign = floats(goldenInput(golden, 'sign'))
  const device = createReferenceDevice()
  const x = floats(goldenInput(golden, 'x')).map((value, i) => value * (sign[i % n] as number))
  const power = n / order
  const turned = (await device.read(
    hadamard(device.tensor(Float32Array.from(x), [x.length / n, n]), { block: power }),
  )) as Float32Array
  // The op turns each block by Sylvester's matrix; what is left of the golden's is the small one across the blocks.
  const mixed = Float32Array.from(turned, (_, at) => {
    const column = at % n
    let sum = 0
    for (let row = 0; row < order; row++)
      sum +=
        Number(small[row * order + Math.floor(column / power)]) *
        Number(turned[at - column + row * power + (column % power)])
    return sum / Math.sqrt(order)
  })
  expectClose('x', mixed, goldenOutput(golden, 'x_rot'))
})

/** X · Wᵀ. */
function product(x: Float32Array, w: Float32Array, columns: number): Float32Array {
  const rows = w.length / columns
  return Float32Array.from({ length: (x.length / columns) * rows }, (_, at) => {
    let sum = 0
    for (let i = 0; i < columns; i++)
      sum += (x[Math.floor(at / rows) * columns + i] as number) * (w[(at % rows) * columns + i] as number)
    return sum
  })
}

describe('weights in turned surroundings', () => {
  const random = createRandom(2)
  const normals = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal())
  const x = normals(3 * 24)
  const weight = { values: normals(12 * 24), shape: [12, 24] as const }
  const scales = normals(24).map((value) => 1 + value * value)

  test('outputs are the same, turned: whole, by heads, and with scales', () => {
    const input = orthogonalRotation(24, 1)
    const heads = orthogonalRotation(8, 2)
    const output = orthogonalRotation(4, 3)
    const y = product(x, weight.values, 24)
    const expected = transformWeight({ values: y, shape: [3, 12] }, { input: output }).values
    for (const rotation of [input, heads]) {
      const turnedX = transformWeight(
        { values: x.map((value, i) => value / (scales[i % 24] as number)), shape: [3, 24] },
        { input: rotation },
      ).values
      const got = product(turnedX, transformWeight(weight, { inputScale: scales, input: rotation, output }).values, 24)
      expect(Math.max(...got.map((value, i) => Math.abs(value - (expected[i] as number))))).toBeLessThan(1e-5)
    }
    const bias = transformBias(y.subarray(0, 12), output)
    expect(Math.max(...bias.map((value, i) => Math.abs(value - (expected[i] as number))))).toBeLessThan(1e-6)
  })

  test('what does not fit is refused by name', () => {
    expect(() => transformWeight(weight, { input: orthogonalRotation(5, 0) })).toThrow(
      "transform: an axis of 24 of [12, 24] is no multiple of the rotation's size 5",
    )
    expect(() => transformWeight(weight, { inputScale: new Float32Array(3) })).toThrow('are 24, got 3')
    expect(() => orthogonalRotation(0, 0)).toThrow('the size is a number of channels > 0, got 0')
  })
})

test('a model of one layer computes the same when its stream, its heads and the input of down are turned', () => {
  const random = createRandom(6)
  const sizes: Readonly<Record<string, readonly [number, number]>> = {
    embedding: [5, 12],
    query: [8, 12],
    key: [4, 12],
    value: [4, 12],
    output: [12, 8],
    gate: [16, 12],
    up: [16, 12],
    down: [12, 16],
    head: [5, 12],
    attentionNorm: [1, 12],
    mlpNorm: [1, 12],
    norm: [1, 12],
  }
  const weights = new Map(
    Object.entries(sizes).map(([name, shape]) => [
      name,
      { values: Float32Array.from({ length: shape[0] * shape[1] }, () => 0.5 * random.normal() + 0.2), shape },
    ]),
  )
  const of = (name: string): { values: Float32Array; shape: readonly [number, number] } => weights.get(name) as never
  const layer = {
    attentionNorm: 'attentionNorm',
    query: 'query',
    key: 'key',
    value: 'value',
    output: 'output',
    mlpNorm: 'mlpNorm',
    mlpInputs: ['gate', 'up'],
    down: 'down',
  }
  const downRotation = hadamardRotation(16, 4)
  const plan = planRotation(
    { embedding: 'embedding', layers: [layer], norm: 'norm', head: 'head' },
    { residual: orthogonalRotation(12, 1), heads: orthogonalRotation(4, 2), down: downRotation },
  )
  const turned = new Map(
    [...weights].map(([name, weight]) => {
      const planned = plan.get(name)
      if (!planned) return [name, new Float32Array(weight.values.length).fill(1)]
      return [
        name,
        transformWeight(weight, {
          ...planned,
          inputScale: planned.norm === undefined ? undefined : of(planned.norm).values,
        }).values,
      ]
    }),
  )
  // Two query heads of size 4 share one key-value head; with one token attention gives its value.
  const run = (get: (name: string) => Float32Array, rotateDown: boolean): Float32Array => {
    const norm = (x: Float32Array, name: string): Float32Array =>
      x.map((value, i) => (value * (get(name)[i] as number)) / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / 12))
    const add = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, i) => value + (b[i] as number))
    let stream: Float32Array = get('embedding').slice(24, 36)
    const attended = product(norm(stream, 'attentionNorm'), get('value'), 12)
    stream = add(stream, product(Float32Array.of(...attended, ...attended), get('output'), 8))
    const gate = product(norm(stream, 'mlpNorm'), get('gate'), 12)
    const up = product(norm(stream, 'mlpNorm'), get('up'), 12)
    const inner = gate.map((value, i) => Math.max(value, 0) * (up[i] as number))
    stream = add(
      stream,
      product(
        rotateDown ? transformWeight({ values: inner, shape: [1, 16] }, { input: downRotation }).values : inner,
        get('down'),
        16,
      ),
    )
    return product(norm(stream, 'norm'), get('head'), 12)
  }
  const expected = run((name) => of(name).values, false)
  const got = run((name) => turned.get(name) as Float32Array, true)
  expect(Math.max(...got.map((value, i) => Math.abs(value - (expected[i] as number))))).toBeLessThan(1e-5)
})
