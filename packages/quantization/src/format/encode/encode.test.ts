import { isTesseraError, type Shape } from '@tessera-llm/tensor'
import { describe, expect, it } from 'vitest'
import { loadCases, loadGolden } from '../../../test/golden.ts'
import { ggmlBlockTypes, ggmlFormat } from '../index.ts'
import { rowEncoders } from './index.ts'

type Golden = ReturnType<typeof loadGolden>
const tensorOf = (golden: Golden, name: string): { readonly shape: Shape; readonly bytes: Uint8Array } => {
  const tensor = golden.get(name)
  if (!tensor) throw new Error(`${name} is not in the golden file`)
  return tensor
}
const f32Of = (golden: Golden, name: string): { readonly shape: Shape; readonly values: Float32Array } => {
  const { shape, bytes } = tensorOf(golden, name)
  return { shape, values: new Float32Array(bytes.slice().buffer) }
}
const firstDifference = (a: Uint8Array, b: Uint8Array): number =>
  a.length === b.length ? a.findIndex((byte, i) => byte !== b[i]) : Math.min(a.length, b.length)

describe('ggml formats encode bit for bit as libgguf', () => {
  const golden = loadGolden('gguf-encode')
  const cases = loadCases<{ type: string; input: string; imatrix: boolean }>('gguf-encode').filter(({ type }) =>
    rowEncoders.some(({ id }) => id === type.toLowerCase()),
  )
  it.each(cases)('$type $input imatrix $imatrix', ({ type, input, imatrix }) => {
    const { shape, values } = f32Of(golden, `input/${input}`)
    const { blocks } = ggmlFormat(type.toLowerCase()).encode(
      values,
      shape,
      imatrix ? { importance: f32Of(golden, 'imatrix').values } : {},
    )
    expect(
      firstDifference(
        blocks as Uint8Array,
        tensorOf(golden, `bytes/${type}/${input}${imatrix ? '/imatrix' : ''}`).bytes,
      ),
    ).toBe(-1)
  })

  it('has a case with and one without importance for every encoder', () => {
    expect(new Set(cases.map(({ type, imatrix }) => `${type} ${imatrix}`)).size).toBe(2 * rowEncoders.length)
  })
})

describe('ggml formats encode bit for bit as gguf-py and ggml-quants.c', () => {
  const inputs = loadGolden('gguf-quant')
  const expected = loadGolden('gguf-decode')
  const cases = loadCases<{ case: string; type: string; x: string; imatrix?: string }>('gguf-quant')
  // ggml has two encoders of IQ4_NL: this case holds the one that rounds once, for activations; files are made by the
  // one that searches.
  const roundsOnce = 'cquant_IQ4_NL'
  it.each(cases.filter((c) => c.case !== roundsOnce))('$case', ({ case: name, type, x, imatrix }) => {
    const { shape, values } = f32Of(inputs, x)
    const { blocks } = ggmlFormat(type.toLowerCase()).encode(
      values,
      shape,
      imatrix ? { importance: f32Of(inputs, imatrix).values } : {},
    )
    expect(firstDifference(blocks as Uint8Array, tensorOf(expected, `${name}/bytes`).bytes)).toBe(-1)
  })

  it(`${roundsOnce}: with less of the error that the search is about`, () => {
    const { shape, values } = f32Of(inputs, cases.find((c) => c.case === roundsOnce)?.x as string)
    const format = ggmlFormat('iq4_nl')
    const errorOf = (blocks: Uint8Array): number =>
      format
        .decode({ blocks }, shape)
        .reduce((sum, value, i) => sum + ((values[i] as number) * (value - (values[i] as number))) ** 2, 0)
    expect(errorOf(format.encode(values, shape)['blocks'] as Uint8Array)).toBeLessThan(
      errorOf(tensorOf(expected, `${roundsOnce}/bytes`).bytes),
    )
  })
})

describe('encode refuses', () => {
  const error = (action: () => unknown): unknown => {
    try {
      return action()
    } catch (thrown) {
      return thrown
    }
  }
  const values = (change: (values: Float32Array) => void): Float32Array => {
    const out = new Float32Array(512).fill(0.25)
    change(out)
    return out
  }

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%s, with its index', (value) => {
    for (const { id } of rowEncoders) {
      const thrown = error(() =>
        ggmlFormat(id).encode(
          values((all) => {
            all[300] = value
          }),
          [2, 256],
        ),
      )
      expect(isTesseraError(thrown, 'invalid-value') && thrown.message).toContain(
        `${id}: the value at index 300 of [2, 256] is ${value}`,
      )
    }
  })

  it('rows that are not whole blocks, values of another count, importance that does not fit', () => {
    const all = values(() => undefined)
    expect(() => ggmlFormat('q6_k').encode(all.subarray(0, 96), [1, 96])).toThrowError(
      /blocks of 256; the rows of \[1, 96\] have 96 elements; choose a type of smaller blocks/,
    )
    expect(() => ggmlFormat('q4_0').encode(all.subarray(1), [2, 256])).toThrowError(
      /\[2, 256\] has 512 values, got 511/,
    )
    expect(() => ggmlFormat('q4_k').encode(all, [2, 256], { importance: new Float32Array(255) })).toThrowError(
      /each of the 256 columns, got 255/,
    )
    expect(() =>
      ggmlFormat('q4_k').encode(all, [2, 256], { importance: new Float32Array(256).fill(1, 0, 200).fill(-1, 200) }),
    ).toThrowError(/importance is -1 at column 200/)
    expect(() =>
      ggmlFormat('q4_k').encode(all, [2, 256], { importance: new Float32Array(256).fill(Number.NaN) }),
    ).toThrowError(/importance is NaN at column 0/)
  })

  it('types of code grids, with a type of nearly the same size', () => {
    for (const { id } of ggmlBlockTypes.filter((type) => !rowEncoders.some((encoder) => encoder.id === type.id))) {
      const thrown = error(() =>
        ggmlFormat(id).encode(
          values(() => undefined),
          [2, 256],
        ),
      )
      expect(isTesseraError(thrown, 'unsupported') && thrown.message).toMatch(
        /can be read and not made.*use (q2_k|q3_k|tq1_0)/,
      )
    }
  })
})

it('an encoded weight decodes to nearly the same weight', () => {
  const values = Float32Array.from({ length: 1024 }, (_, i) => Math.sin(i * i) * (1 + (i % 7)))
  for (const { id } of rowEncoders) {
    const format = ggmlFormat(id)
    const once = Float32Array.from(format.decode(format.encode(values, [2, 512]), [2, 512]))
    const error =
      once.reduce((sum, value, i) => sum + (value - (values[i] as number)) ** 2, 0) /
      values.reduce((sum, value) => sum + value ** 2, 0)
    expect(error, id).toBeLessThan(id.startsWith('tq') ? 0.5 : id.startsWith('q2') ? 0.1 : 0.03)
  }
})
