import { goldenInput, goldenOutput } from '@tessera-llm/testing'
import { describe, expect, test } from 'vitest'
import { casesOf, expectClose, floats, weightOf } from '../../../test/method-golden.ts'
import {
  type CodebookGrid,
  codebookGrid,
  codebookValues,
  dequantizeMatrix,
  nvfp4,
  packCodes,
  packMatrix,
  rtn,
} from '../../index.ts'

const caseOf = (name: string): ReturnType<typeof casesOf>[number] =>
  casesOf(
    name === 'nf4_table' || name === 'e2m1_table'
      ? 'table'
      : name.startsWith('fp8')
        ? name.includes('decode')
          ? 'fp8_decode'
          : 'fp8_cast'
        : name,
    new RegExp(`^${name}$`),
  )[0] as ReturnType<typeof casesOf>[number]
const numbers = (data: ArrayLike<number | bigint>): number[] => Array.from(data as ArrayLike<number>)

test.for([
  ['nf4', 'nf4_table'],
  ['fp4_e2m1', 'e2m1_table'],
] as const)('the table of %s is the published one', ([id, name]) => {
  expect(numbers(codebookValues(id))).toEqual(numbers(goldenOutput(caseOf(name), 'table').data))
})

test.for([
  ['fp8_e4m3', 'fp8_e4m3_decode_table'],
  ['fp8_e5m2', 'fp8_e5m2_decode_table'],
] as const)('the table of %s is that of its decoder', ([id, name]) => {
  const golden = caseOf(name)
  const table = codebookValues(id)
  expect(Array.from(goldenInput(golden, 'bytes').data as Uint8Array, (code) => table[code])).toEqual(
    numbers(goldenOutput(golden, 'values').data),
  )
})

describe('rounding to nearest reproduces', () => {
  test.for([
    ['nf4', codebookGrid('nf4', 64, 'f32'), 'absmax'],
    ['fp4_absmax', codebookGrid('fp4_e2m1', 32, 'f32'), 'scale'],
    ['mxfp4', codebookGrid('fp4_e2m1', 32, 'e8m0'), 'scale_e8m0'],
  ] as const satisfies readonly (readonly [string, CodebookGrid, string])[])('%s', ([name, grid, scales]) => {
    const golden = caseOf(name)
    const matrix = rtn(weightOf(golden, 'x'), grid, { scale: 'range' })
    expect([...matrix.codes]).toEqual(numbers(goldenOutput(golden, 'codes').data))
    const { parts } = packMatrix(matrix)
    if (grid.scaleType === 'e8m0')
      expect([...(parts['scales'] as Uint8Array)]).toEqual(numbers(goldenOutput(golden, scales).data))
    else expectClose('scales', matrix.scales, goldenOutput(golden, scales))
    expectClose('values', dequantizeMatrix(matrix), goldenOutput(golden, 'dequant'))
  })

  test('nvfp4', () => {
    const golden = caseOf('nvfp4')
    const { matrix, tensorScale, scaleCodes } = nvfp4(weightOf(golden, 'x'))
    expectClose('the scale of the tensor', [tensorScale], goldenOutput(golden, 'global_scale'))
    expect([...scaleCodes]).toEqual(numbers(goldenOutput(golden, 'scale_e4m3').data))
    expect([...matrix.codes]).toEqual(numbers(goldenOutput(golden, 'codes').data))
    expectClose('values', dequantizeMatrix(matrix), goldenOutput(golden, 'dequant'))
  })

  test.for(['e4m3', 'e5m2'] as const)('fp8 %s, saturated', (kind) => {
    const golden = caseOf(`fp8_${kind}`)
    const values = floats(goldenInput(golden, 'x') as { data: Float32Array })
    // The scale of this grid is chosen by the weights; here it is 1, as in a cast.
    const grid = codebookGrid(`fp8_${kind}`, 'tensor', 'f32')
    const limit = kind === 'e4m3' ? 448 : 57344
    const clipped = Float32Array.from([limit, ...values.map((value) => Math.max(-limit, Math.min(value, limit)))])
    const matrix = rtn({ values: clipped, shape: [1, clipped.length] }, grid, { scale: 'range' })
    expect([...matrix.scales]).toEqual([1])
    expect(numbers(matrix.codes).slice(1)).toEqual(numbers(goldenOutput(golden, 'bytes_saturated').data))
  })
})

test('4-bit floats are packed the even element low, NF4 of bitsandbytes the even element high', () => {
  const golden = caseOf('mxfp4')
  const codes = goldenOutput(golden, 'codes').data as Uint8Array
  expect([...packCodes(codes, 1, codes.length, 4)]).toEqual(numbers(goldenOutput(golden, 'packed').data))
})
