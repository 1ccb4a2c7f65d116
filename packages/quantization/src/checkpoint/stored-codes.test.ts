import { bufferSink, bufferSource, readSafetensors, writeSafetensors } from '@tessera-llm/formats'
import { createRandom } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import {
  codebookGrid,
  compressedTensorsConfig,
  dequantizeMatrix,
  gptqConfig,
  type Grid,
  type IntegerGrid,
  quantizedCheckpoint,
  type QuantizedCheckpoint,
  rtn,
  type StoredParts,
  writeCompressed,
  writeGptq,
} from '../index.ts'

const [rows, columns] = [32, 256]
const layer = 'model.layers.0.mlp.up_proj'

async function checkpointOf(parts: StoredParts, config: unknown): Promise<QuantizedCheckpoint> {
  const sink = bufferSink()
  const tensors = Object.entries(parts).map(([part, { format, shape, bytes }]) => ({
    name: `${layer}.${part}`,
    format,
    shape,
    bytes,
  }))
  await writeSafetensors({ tensors }, sink)
  return quantizedCheckpoint(await readSafetensors(bufferSource(sink.bytes())), config)
}

const random = createRandom(7)
const matrixOf = (grid: Grid) =>
  rtn({ values: Float32Array.from({ length: rows * columns }, () => random.normal()), shape: [rows, columns] }, grid, {
    scale: 'range',
  })
const integers = (
  bits: IntegerGrid['bits'],
  isSymmetric: boolean,
  group: IntegerGrid['group'],
  scaleType: IntegerGrid['scaleType'] = 'f16',
): IntegerGrid => ({ kind: 'integer', bits, group, isSymmetric, scaleType })

/** The format for WebAssembly; undefined where it gets what `decoded` says. */
test.each<[Grid, decoded: string, wasm: string | undefined]>([
  [integers(2, false, 64), 'q4_0', 'int2/g64/f16/z2/rows8'],
  [integers(2, true, 64), 'q4_0', 'int2/g64/f16/rows8'],
  [integers(3, false, 64), 'q4_0', 'int3/g64/f16/z3/rows8'],
  [integers(3, true, 64), 'q4_0', 'int3/g64/f16/rows8'],
  [integers(4, false, 64), 'q5_0', 'int4/g64/f16/z4/rows8'],
  // Blocks take little more.
  [integers(4, true, 64), 'q4_0', undefined],
  [integers(4, false, 32), 'q5_0', undefined],
  [integers(4, true, 32), 'q4_0', undefined],
  [integers(8, true, 32), 'q8_0', undefined],
  // Scales that blocks cannot hold.
  [integers(8, true, 'row', 'f32'), 'f32', 'int8/row/f32/rows8'],
  [integers(4, true, 128, 'f32'), 'f32', 'int4/g128/f32/rows8'],
  [integers(8, false, 'row', 'bf16'), 'f32', 'int8/row/bf16/z8/rows8'],
  // Offsets would be rounded.
  [integers(4, false, 64, 'f32'), 'f32', undefined],
  [codebookGrid('fp8_e4m3', 'row', 'f32'), 'f32', 'fp8_e4m3/row/f32/rows8'],
  // Groups that are no multiples of the kernels' blocks.
  [integers(4, true, 16), 'f32', undefined],
])('%o is shown as %s, to WebAssembly as %s', async (grid, decoded, wasm) => {
  const matrix = matrixOf(grid)
  const layout = grid.kind === 'codebook' ? 'float-quantized' : grid.bits === 8 ? 'int-quantized' : 'pack-quantized'
  const checkpoint = await checkpointOf(writeCompressed(matrix, layout), compressedTensorsConfig(grid, layout))
  const stored = checkpoint.tensors.get(`${layer}.weight`)
  for (const device of ['reference', 'webgpu'] as const)
    expect([stored?.format, stored?.codes?.formatFor(device)]).toEqual([decoded, undefined])
  const format = stored?.codes?.formatFor('wasm')
  expect(format?.id).toBe(wasm)
  if (!format || !stored?.codes) return
  const values = dequantizeMatrix(matrix)
  const whole = format.decode(await stored.codes.pack('wasm', undefined), [rows, columns])
  expect(whole.findIndex((value, i) => value !== values[i])).toBe(-1)
  const ranges = [
    [16, 20],
    [3, 8],
  ] as const
  const some = format.decode(await stored.codes.pack('wasm', ranges), [9, columns])
  const expected = ranges.flatMap(([begin, end]) => [...values.subarray(begin * columns, end * columns)])
  expect(some.findIndex((value, i) => value !== expected[i])).toBe(-1)
})

test('columns that name their groups stay decoded', async () => {
  const grid = integers(2, true, 64)
  const groupOfColumn = Int32Array.from({ length: columns }, (_, column) => (column * 7) % 4)
  const checkpoint = await checkpointOf(writeGptq({ ...matrixOf(grid), groupOfColumn }, 2), gptqConfig(grid, 2))
  const stored = checkpoint.tensors.get(`${layer}.weight`)
  expect([stored?.format, stored?.codes]).toEqual(['f32', undefined])
})
