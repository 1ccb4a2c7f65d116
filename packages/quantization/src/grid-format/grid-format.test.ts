import { embedding, linear } from '@tessera-llm/kernels'
import { createRandom, createReferenceDevice, isTesseraError } from '@tessera-llm/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  codebookGrid,
  dequantizeMatrix,
  gptq,
  type Grid,
  gridFormat,
  gridPacker,
  hqq,
  type IntegerGrid,
  isGridFormat,
  joinParts,
  packCodes,
  packMatrix,
  type QuantizedMatrix,
  rtn,
  splitParts,
  unpackCodes,
  unpackMatrix,
} from '../index.ts'

const weightOf = (
  rows: number,
  columns: number,
): { readonly values: Float32Array; readonly shape: readonly [number, number] } => {
  const random = createRandom(rows * columns)
  return { values: Float32Array.from({ length: rows * columns }, () => random.normal()), shape: [rows, columns] }
}

test('codes are a stream of bits, lowest first, and come back', () => {
  expect([...packCodes(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 0), 1, 8, 3)]).toEqual([
    0b11_010_001, 0b0_101_100_0, 0b000_111_11,
  ])
  expect([...packCodes(Uint8Array.of(1, 2, 3), 1, 3, 4)]).toEqual([0x21, 0x03])
  fc.assert(
    fc.property(
      fc.constantFrom(2, 3, 4, 8),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer(),
      (bits, rows, columns, seed) => {
        const random = createRandom(Math.abs(seed))
        const codes = Uint8Array.from({ length: rows * columns }, () => random.integer(2 ** bits))
        expect([...unpackCodes(packCodes(codes, rows, columns, bits), rows, columns, bits)]).toEqual([...codes])
      },
    ),
  )
})

const groups = [32, 64, 128, 48, 'row', 'tensor'] as const
const grids: readonly Grid[] = [
  ...([8, 4, 3, 2] as const).flatMap((bits) =>
    [true, false].flatMap((isSymmetric) =>
      groups.map((group): Grid => ({ kind: 'integer', bits, group, isSymmetric, scaleType: 'f16' })),
    ),
  ),
  ...(['nf4', 'fp4_e2m1', 'fp8_e4m3', 'fp8_e5m2'] as const).flatMap((id) => [
    codebookGrid(id, 64),
    codebookGrid(id, 'row', 'bf16'),
    codebookGrid(id, 32, 'e8m0'),
  ]),
]

describe('a matrix survives storage, whatever its size', () => {
  test.for(grids.map((grid) => [gridFormat(grid).id, grid] as const))('%s', ([id, grid]) => {
    for (const [rows, columns] of [
      [3, 576],
      [5, 80],
      [2, 33],
      [1, 1],
    ] as const) {
      const matrix = rtn(weightOf(rows, columns), grid, { scale: 'range' })
      const { format, parts } = packMatrix(matrix)
      expect(format.id).toBe(id)
      for (const [name, part] of Object.entries(format.parts([rows, columns])))
        expect(parts[name]?.byteLength, name).toBe(
          part.shape.reduce(
            (size, length) => size * length,
            { u8: 1, f16: 2, bf16: 2, f32: 4, i32: 4 }[part.dtype as 'u8'],
          ),
        )
      const { groupOfColumn, ...back } = unpackMatrix(
        format,
        splitParts(format, joinParts(format, parts, [rows, columns]), [rows, columns]),
        [rows, columns],
      )
      expect(groupOfColumn).toBeUndefined()
      expect(back).toEqual({ ...matrix, zeros: matrix.zeros ?? undefined })
      expect(Float32Array.from(format.decode(parts, [rows, columns]))).toEqual(dequantizeMatrix(matrix))
    }
  })
})

const asymmetric: IntegerGrid = { kind: 'integer', bits: 4, group: 32, isSymmetric: false, scaleType: 'f16' }

test('zeros that are not integers are stored as floats; columns name their groups where they must', () => {
  const weight = weightOf(4, 96)
  const floats = packMatrix(hqq(weight, asymmetric).matrix)
  expect(floats.format.id).toBe('int4/g32/f16/zf32')
  const { matrix } = hqq(weight, asymmetric)
  const halves: QuantizedMatrix = {
    ...matrix,
    zeros: (matrix.zeros as Float32Array).map((zero) => Math.round(zero * 16) / 16),
  }
  expect(packMatrix(halves).format.id).toBe('int4/g32/f16/zf16')
  expect(dequantizeMatrix(unpackMatrix(packMatrix(halves).format, packMatrix(halves).parts, [4, 96]))).toEqual(
    dequantizeMatrix(halves),
  )
  const secondMoment = new Float32Array(96 * 96)
  for (let i = 0; i < 96; i++) secondMoment[i * 97] = 1 + ((i * 37) % 96)
  const ordered = gptq(weight, { columns: 96, count: 1, secondMoment }, asymmetric, { order: 'columns' }).matrix
  const { format, parts } = packMatrix(ordered)
  expect(format.id).toBe('int4/g32/f16/z4/order')
  expect(unpackMatrix(format, parts, [4, 96]).groupOfColumn).toEqual(ordered.groupOfColumn)
  expect(Float32Array.from(format.decode(parts, [4, 96]))).toEqual(dequantizeMatrix(ordered))
})

test('linear and embedding take it on the reference device', async () => {
  const device = createReferenceDevice()
  const matrix = rtn(weightOf(6, 80), asymmetric)
  const { format, parts } = packMatrix(matrix)
  const packer = gridPacker(format)
  const weight = device.pack(packer.format, [6, 80], packer.pack(joinParts(format, parts, [6, 80]), [6, 80]))
  const values = dequantizeMatrix(matrix)
  const dense = device.tensor(values, [6, 80])
  const x = device.tensor(
    Float32Array.from({ length: 160 }, (_, i) => Math.sin(i)),
    [2, 80],
  )
  expect(await device.read(linear(x, weight))).toEqual(await device.read(linear(x, dense)))
  expect([...(await device.read(embedding(device.tensor(Int32Array.of(4), [1]), weight)))]).toEqual([
    ...values.subarray(320, 400),
  ])
  expect(isGridFormat(weight.format) && weight.format.grid).toEqual(asymmetric)
})

test('what does not fit is refused by name', () => {
  const matrix = rtn(weightOf(2, 64), asymmetric)
  const codeOf = (change: Partial<QuantizedMatrix>): unknown => {
    try {
      return packMatrix({ ...matrix, ...change })
    } catch (error) {
      return isTesseraError(error) ? `${error.code}: ${error.message}` : error
    }
  }
  expect(codeOf({ codes: matrix.codes.subarray(1) })).toBe(
    'invalid-shape: quantized matrix: [2, 64] takes 128 codes, got 127',
  )
  expect(codeOf({ codes: matrix.codes.map((code, i) => (i === 70 ? 16 : code)) })).toBe(
    'invalid-value: quantized matrix: the code 16 at index 70 is beyond the 16 of its grid',
  )
  expect(codeOf({ scales: matrix.scales.subarray(1) })).toBe(
    'invalid-shape: quantized matrix: [2, 64] takes 4 scales, got 3',
  )
  expect(codeOf({ zeros: undefined })).toBe('invalid-shape: quantized matrix: [2, 64] takes 4 zeros, got 0')
  expect(codeOf({ scales: Float32Array.of(1, 1, 1 / 3, 1) })).toContain(
    'the scale 0.3333333432674408 at index 2 is not a value of f16',
  )
  expect(codeOf({ groupOfColumn: new Int32Array(64).fill(2, 9, 10) })).toBe(
    'invalid-value: quantized matrix: column 9 names group 2 of 2',
  )
  expect(() => gridFormat({ ...asymmetric, isSymmetric: true }, { zeros: 'codes' })).toThrow(
    'symmetric grids and codebooks have no zeros',
  )
  expect(() => gridFormat(asymmetric, { zeros: 'none' })).toThrow('need zeros')
  expect(() => gridFormat({ ...asymmetric, group: 0 })).toThrow('a group is a number of columns > 0, got 0')
  expect(() => gridFormat({ ...asymmetric, group: 'row' }, { hasColumnGroups: true })).toThrow(
    'only where a row has several',
  )
  expect(() => splitParts(gridFormat(asymmetric), new Uint8Array(3), [2, 64])).toThrow(
    'int4/g32/f16/z4: a weight of [2, 64] takes 74 bytes, got 3',
  )
  expect(() => gridFormat(asymmetric).parts([64])).toThrow('holds matrices, not [64]')
})
