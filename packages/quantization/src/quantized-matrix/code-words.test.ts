import { createRandom } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { writeAwq, writeCompressed, writeGptq } from '../checkpoint/index.ts'
import { codeWordsOf, dequantizeMatrix, matrixOfWords, packCodeWords, type QuantizedMatrix } from './index.ts'

const random = createRandom(4)
const [rows, columns] = [24, 64]
const plain: QuantizedMatrix = {
  shape: [rows, columns],
  grid: { kind: 'integer', bits: 4, group: 32, isSymmetric: false, scaleType: 'f16' },
  codes: Uint8Array.from({ length: rows * columns }, () => random.integer(16)),
  scales: Float32Array.from({ length: rows * 2 }, () => (1 + random.integer(64)) / 64),
  zeros: Float32Array.from({ length: rows * 2 }, () => random.integer(16)),
}
const { codes, ...rest } = plain
const words = matrixOfWords(rest, packCodeWords(codes))

test('the first of eight codes has the lowest bits of a word', () => {
  expect([...packCodeWords(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 15))]).toEqual([0xf7654321])
})

test('a matrix of words is the matrix of its codes: values, and parts of every layout', () => {
  expect(words.codes).toEqual(codes)
  expect(dequantizeMatrix(words)).toEqual(dequantizeMatrix(plain))
  for (const write of [
    (matrix: QuantizedMatrix) => writeCompressed(matrix, 'pack-quantized'),
    (matrix: QuantizedMatrix) => writeGptq(matrix, 2),
    writeAwq,
  ]) {
    const [made, expected] = [write(words), write(plain)]
    expect(Object.keys(made)).toEqual(Object.keys(expected))
    for (const [name, part] of Object.entries(expected)) {
      expect(made[name]?.shape).toEqual(part.shape)
      expect(Buffer.from(made[name]?.bytes ?? []), name).toEqual(Buffer.from(part.bytes))
    }
  }
})

test('a matrix made of another with other codes has none of its words', () => {
  expect(codeWordsOf(words)).toBeDefined()
  expect(codeWordsOf({ ...words, codes: new Uint8Array(rows * columns) })).toBeUndefined()
  expect(codeWordsOf(plain)).toBeUndefined()
})
