import { isTesseraError, type TesseraError } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { loadCases, loadGolden } from '../../test/golden.ts'
import { codebookGrid, codebookValues, dequantize, findGgmlFormat, ggmlFormat, quantize } from '../index.ts'

const encoded = loadGolden('gguf-encode')
const golden = (name: string): { readonly shape: readonly number[]; readonly bytes: Uint8Array } => {
  const tensor = encoded.get(name)
  if (!tensor) throw new Error(`${name} is not in the golden file`)
  return tensor
}
const floats = (name: string): Float32Array => new Float32Array(golden(name).bytes.slice().buffer)

test.each(
  loadCases<{ type: string; input: string; imatrix: boolean }>('gguf-encode').filter(({ type }) =>
    ['Q4_0', 'Q6_K', 'IQ4_XS'].includes(type),
  ),
)('a block type by its name: the bytes of libgguf for $type $input imatrix $imatrix', ({ type, input, imatrix }) => {
  const { shape } = golden(`input/${input}`)
  const { bytes } = quantize(
    floats(`input/${input}`),
    shape,
    type.toLowerCase(),
    imatrix ? { importance: floats('imatrix') } : {},
  )
  expect(bytes).toEqual(golden(`bytes/${type}/${input}${imatrix ? '/imatrix' : ''}`).bytes)
})

test('blocks of a file decode to the values that gguf-py decodes', () => {
  const decoded = loadGolden('gguf-decode')
  for (const { case: name, type } of loadCases<{ case: string; type: string }>('gguf-decode').slice(0, 8)) {
    const [bytes, values] = ['bytes', 'values'].map((part) => decoded.get(`${name}/${part}`))
    if (!bytes || !values) throw new Error(`${name} is not in the golden file`)
    const shape = values.shape
    expect(dequantize({ format: ggmlFormat(type.toLowerCase()), shape, bytes: bytes.bytes })).toEqual(
      new Float32Array(values.bytes.slice().buffer),
    )
  }
})

test('a grid: codes from the low nibble on, then the scale, and values of the grid come back', () => {
  const values = codebookValues('nf4').map((value) => 2 * value)
  const weight = quantize(values, [1, 16], codebookGrid('nf4', 16))
  expect(weight.format.id).toBe('nf4/g16/f16')
  expect([...weight.bytes]).toEqual([0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe, 0x00, 0x40])
  expect(dequantize(weight)).toEqual(values)
})

const thrown = (action: () => unknown): TesseraError => {
  try {
    action()
  } catch (error) {
    if (isTesseraError(error)) return error
  }
  throw new Error('expected a TesseraError')
}

test.each([
  ['Q4_K_M', 'q4_k'],
  ['Q4_0', 'q4_0'],
  ['iq4nl', 'iq4_nl'],
  ['mxfp', 'mxfp4'],
])('%s is no block type, and the error names %s', (name, nearest) => {
  expect(findGgmlFormat(name)).toBeUndefined()
  const error = thrown(() => quantize(new Float32Array(32), [1, 32], name))
  expect(error.code).toBe('invalid-option')
  expect(error.message).toContain(`no block type is called "${name}"; did you mean ${nearest}? Known are q4_0, q4_1, `)
})

test('shapes and bytes that do not fit are refused', () => {
  expect(thrown(() => quantize(new Float32Array(64), [64], codebookGrid('nf4', 64)))).toMatchObject({
    code: 'invalid-shape',
    message: 'quantize: holds matrices, not [64]',
  })
  expect(thrown(() => quantize(new Float32Array(48), [1, 48], 'q4_0')).code).toBe('invalid-shape')
  const weight = quantize(new Float32Array(64), [2, 32], 'q4_0')
  expect(thrown(() => dequantize({ ...weight, bytes: weight.bytes.subarray(1) }))).toMatchObject({
    code: 'invalid-shape',
    message: 'q4_0: the part blocks takes 36 bytes, got 35',
  })
})
