import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bufferSink, type TensorData, writeSafetensors } from '@tessera-llm/formats'
import { createRandom } from '@tessera-llm/tensor'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  awqConfig,
  codebookGrid,
  type CompressedFormat,
  compressedTensorsConfig,
  dequantizeMatrix,
  type Grid,
  gptqConfig,
  type IntegerGrid,
  type QuantizedMatrix,
  rtn,
  type StoredParts,
  writeAwq,
  writeCompressed,
  writeGptq,
} from '../index.ts'

// An interpreter that has the library compressed-tensors reads its layouts by it: TESSERA_PYTHON=/path/to/python.
const python = process.env['TESSERA_PYTHON'] ?? 'python3'
const hasPython = spawnSync(python, ['--version']).status === 0
const script = fileURLToPath(new URL('../../../../tooling/golden/read_quantized.py', import.meta.url))

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-python-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const integers = (bits: IntegerGrid['bits'], isSymmetric: boolean, group: IntegerGrid['group'] = 32): IntegerGrid => ({
  kind: 'integer',
  bits,
  group,
  isSymmetric,
  scaleType: 'f16',
})
const fp8 = codebookGrid('fp8_e4m3', 'row', 'f32')

const layouts: readonly (readonly [string, Grid, (matrix: QuantizedMatrix) => StoredParts, object])[] = [
  ...([2, 3, 4, 8] as const).flatMap((bits) =>
    ([1, 2] as const).map(
      (version) =>
        [
          `GPTQ, ${bits} bits, version ${version}`,
          integers(bits, version === 1),
          (matrix: QuantizedMatrix) => writeGptq(matrix, version),
          gptqConfig(integers(bits, version === 1), version),
        ] as const,
    ),
  ),
  ['AWQ', integers(4, false), writeAwq, awqConfig(integers(4, false))],
  ...(
    [
      ['pack-quantized', integers(4, true)],
      ['pack-quantized', integers(3, false)],
      ['pack-quantized', integers(4, false, 'row')],
      ['int-quantized', integers(8, true, 'row')],
      ['int-quantized', integers(8, false, 'row')],
      ['float-quantized', fp8],
    ] as const satisfies readonly (readonly [CompressedFormat, Grid])[]
  ).map(
    ([format, grid]) =>
      [
        `compressed-tensors, ${format}, ${grid.kind === 'integer' ? `${grid.bits} bits by ${grid.group}${grid.isSymmetric ? '' : ' with zeros'}` : grid.id}`,
        grid,
        (matrix: QuantizedMatrix) => writeCompressed(matrix, format),
        compressedTensorsConfig(grid, format),
      ] as const,
  ),
]

describe.skipIf(!hasPython)(
  `Python reads the values of what is written${hasPython ? '' : `: skipped, there is no ${python}`}`,
  () => {
    test.for(layouts)('%s', async ([, grid, write, config]) => {
      const random = createRandom(8)
      const matrix = rtn(
        { values: Float32Array.from({ length: 32 * 96 }, () => random.normal()), shape: [32, 96] },
        grid,
        { scale: 'range' },
      )
      const tensors: TensorData[] = Object.entries(write(matrix)).map(([part, data]) => ({
        name: `model.layers.0.mlp.up_proj.${part}`,
        ...data,
      }))
      const sink = bufferSink()
      await writeSafetensors({ tensors }, sink)
      await writeFile(join(folder, 'model.safetensors'), sink.bytes())
      await writeFile(join(folder, 'config.json'), JSON.stringify(config))
      const { values } = JSON.parse(
        execFileSync(python, [script, join(folder, 'model.safetensors'), join(folder, 'config.json')], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
          maxBuffer: 2 ** 24,
        }),
      ) as { values: Record<string, number[]> }
      expect(Float32Array.from(values['model.layers.0.mlp.up_proj'] ?? [])).toEqual(dequantizeMatrix(matrix))
    })
  },
)
