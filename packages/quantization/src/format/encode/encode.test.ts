import type { Shape } from '@tessera-llm/tensor'
import { describe, expect, it } from 'vitest'
import { loadCases, loadGolden } from '../../../test/golden.ts'
import { type EncodableFormat, ggmlFormat } from '../index.ts'
import { rowEncoders } from './index.ts'

const formatOf = (id: string): EncodableFormat => {
  const format = ggmlFormat(id)
  if (!format) throw new Error(`no format ${id}`)
  return format
}

const tensors = loadGolden('gguf-encode')
const f32Of = (name: string): { readonly shape: Shape; readonly values: Float32Array } => {
  const tensor = tensors.get(name)
  if (!tensor) throw new Error(`${name} is not in the golden file`)
  return { shape: tensor.shape, values: new Float32Array(tensor.bytes.slice().buffer) }
}
const firstDifference = (a: Uint8Array, b: Uint8Array): number => a.length === b.length ? a.findIndex((byte, i) => byte !== b[i]) : Math.min(a.length, b.length)

describe('ggml formats encode bit for bit', () => {
  const cases = loadCases<{ type: string; input: string; imatrix: boolean }>('gguf-encode').filter(({ type }) => rowEncoders.some(({ id }) => id === type.toLowerCase()))
  it.each(cases)('$type $input imatrix $imatrix', ({ type, input, imatrix }) => {
    const { shape, values } = f32Of(`input/${input}`)
    const { blocks } = formatOf(type.toLowerCase()).encode(values, shape, imatrix ? { importance: f32Of('imatrix').values } : {})
    const expected = tensors.get(`bytes/${type}/${input}${imatrix ? '/imatrix' : ''}`)
    expect(firstDifference(blocks as Uint8Array, expected?.bytes as Uint8Array)).toBe(-1)
  })
})
