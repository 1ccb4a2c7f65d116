import { createHash } from 'node:crypto'
import { isTesseraError, sizeOf } from '@tessera-llm/tensor'
import { describe, expect, it } from 'vitest'
import { loadCases, loadGolden } from '../../test/golden.ts'
import { type BlockFormat, ggmlBlockTypes, ggmlFormat, ggmlFormats } from './index.ts'

const formatOf = (type: string): BlockFormat => ggmlFormat(type.toLowerCase())

describe('ggml formats decode bit for bit', () => {
  const tensors = loadGolden('gguf-decode')
  it.each(loadCases<{ case: string; type: string }>('gguf-decode'))('$case', ({ case: name, type }) => {
    const blocks = tensors.get(`${name}/bytes`)
    const values = tensors.get(`${name}/values`)
    if (blocks === undefined || values === undefined) throw new Error(`${name} is not in the golden file`)
    const decoded = formatOf(type).decode({ blocks: blocks.bytes }, values.shape)
    const expected = new Float32Array(values.bytes.buffer, values.bytes.byteOffset, sizeOf(values.shape))
    expect(decoded.findIndex((value, i) => !Object.is(value, expected[i] as number))).toBe(-1)
    const floats = formatOf(type).decodeF32({ blocks: blocks.bytes }, values.shape)
    expect(floats.findIndex((value, i) => !Object.is(value, expected[i] as number))).toBe(-1)
  })
})

describe('ggml formats decode what ggml encodes', () => {
  const tensors = loadGolden('gguf-encode')
  it.each(loadCases<{ type: string; input: string; imatrix: boolean; dequantizedSha256: string }>('gguf-encode'))(
    '$type $input imatrix $imatrix',
    (c) => {
      const blocks = tensors.get(`bytes/${c.type}/${c.input}${c.imatrix ? '/imatrix' : ''}`)
      if (blocks === undefined) throw new Error(`${c.type} ${c.input} is not in the golden file`)
      const rows = blocks.shape[0] as number
      const decoded = Float32Array.from(formatOf(c.type).decode({ blocks: blocks.bytes }, [rows, 512]))
      expect(createHash('sha256').update(new Uint8Array(decoded.buffer)).digest('hex')).toBe(c.dequantizedSha256)
    },
  )
})

describe('ggml formats', () => {
  it('have one id each', () => {
    expect(new Set(ggmlFormats.map((format) => format.id)).size).toBe(ggmlBlockTypes.length)
  })

  it('refuse rows that are not whole blocks, and parts of another length', () => {
    const format = formatOf('q4_k')
    expect(() => format.parts([3, 576])).toThrowError(
      /q4_k stores rows in blocks of 256; the rows of \[3, 576\] have 576 elements/,
    )
    try {
      format.decode({ blocks: new Uint8Array(143) }, [1, 256])
      expect.unreachable()
    } catch (error) {
      expect(isTesseraError(error, 'invalid-shape')).toBe(true)
    }
  })
})
