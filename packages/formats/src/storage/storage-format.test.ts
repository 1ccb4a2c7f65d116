import { expect, test } from 'vitest'
import { storageFormat, storageFormatOfGgufType, storageFormats, storedBytes } from './storage-format.ts'

// Number, name, elements and bytes of a block, as gguf-py 0.19.0 lists them.
const published = `0 f32 1 4, 1 f16 1 2, 2 q4_0 32 18, 3 q4_1 32 20, 6 q5_0 32 22, 7 q5_1 32 24, 8 q8_0 32 34, 10 q2_k 256 84, 11 q3_k 256 110,
12 q4_k 256 144, 13 q5_k 256 176, 14 q6_k 256 210, 16 iq2_xxs 256 66, 17 iq2_xs 256 74, 18 iq3_xxs 256 98, 19 iq1_s 256 50, 20 iq4_nl 32 18,
21 iq3_s 256 110, 22 iq2_s 256 82, 23 iq4_xs 256 136, 29 iq1_m 256 56, 30 bf16 1 2, 34 tq1_0 256 54, 35 tq2_0 256 66, 39 mxfp4 32 17, 40 nvfp4 64 36`

test.for(published.split(/,\s+/))('ggml type %s', (line) => {
  const [type, id = '', blockElements, blockBytes] = line.split(' ')
  expect(storageFormatOfGgufType(Number(type))).toMatchObject({
    id,
    blockElements: Number(blockElements),
    blockBytes: Number(blockBytes),
  })
  expect(storageFormat(id).ggufType).toBe(Number(type))
})

test('no id, number or dtype stands for two formats', () => {
  for (const key of ['id', 'ggufType', 'safetensorsDtype'] as const) {
    const values = storageFormats.map((format) => format[key]).filter((value) => value !== undefined)
    expect(new Set(values).size).toBe(values.length)
  }
})

test('bytes of a shape, or why there are none', () => {
  expect(storedBytes(storageFormat('f16'), [2, 3])).toBe(12)
  expect(storedBytes(storageFormat('f32'), [])).toBe(4)
  expect(storedBytes(storageFormat('q4_k'), [3, 512])).toBe(3 * 2 * 144)
  expect(storedBytes(storageFormat('q4_0'), [32, 16])).toContain('whole blocks of 32')
  // Six bits an element: four elements in three bytes, wherever rows end.
  expect(storedBytes(storageFormat('fp6_e2m3'), [2, 6])).toBe(9)
  expect(storedBytes(storageFormat('fp6_e2m3'), [3])).toContain('whole blocks of 4')
  expect(storedBytes(storageFormat('i8'), [2 ** 30, 2 ** 30])).toContain('too many elements')
  expect(storedBytes(storageFormat('i8'), [1.5])).toContain('not a non-negative integer')
})
