import { describe, expect, test } from 'vitest'
import { cases, checkpointOf, goldenParts, integers, matrixOf, valuesOf } from '../../test/checkpoints.ts'
import {
  awqConfig,
  type CompressedFormat,
  codebookGrid,
  compressedTensorsConfig,
  dequantizeMatrix,
  gptqConfig,
  type Grid,
  quantizedCheckpoint,
  type QuantizedMatrix,
  type StoredParts,
  writeAwq,
  writeCompressed,
  writeGptq,
} from '../index.ts'

describe('reads what other programs wrote', () => {
  test.for(cases)('$case', async ({ case: name, config }) => {
    const { parts, values, shape } = await goldenParts(name)
    const read = await valuesOf(parts, config)
    expect(read.matrix.shape).toEqual(shape)
    expect(dequantizeMatrix(read.matrix).findIndex((value, i) => value !== values[i])).toBe(-1)
    expect(read.values.findIndex((value, i) => value !== values[i])).toBe(-1)
  })

  test('as blocks where blocks hold the same values', async () => {
    const formats: Record<string, string> = {}
    for (const { case: name, config } of cases)
      formats[name] = (await valuesOf((await goldenParts(name)).parts, config)).format
    expect(formats).toMatchObject({
      gptq_2b: 'q4_0',
      gptq_3b: 'q4_0',
      gptq_4b: 'q5_0',
      gptq_4b_sym: 'q4_0',
      gptq_8b: 'f32',
      gptq_4b_row: 'q4_0',
      gptq_4b_act_order: 'f32',
      awq_4b: 'q5_0',
      pack_4b_group: 'q4_0',
      pack_8b_group: 'q8_0',
      pack_4b_bf16: 'q4_0',
      pack_4b_channel_odd: 'f32',
      int_8b_channel: 'q8_0',
      int_8b_channel_asym: 'f32',
      float_8b_channel: 'f32',
    })
  })
})

describe('writes the bytes that other programs wrote', () => {
  test.for(cases)('$case', async ({ case: name, config }) => {
    const { parts } = await goldenParts(name)
    const { matrix } = await valuesOf(parts, config)
    const written = name.startsWith('gptq')
      ? writeGptq(matrix, name.endsWith('v1') || config['checkpoint_format'] === 'gptq' ? 1 : 2)
      : name.startsWith('awq')
        ? writeAwq(matrix)
        : writeCompressed(
            matrix,
            name.startsWith('pack')
              ? 'pack-quantized'
              : name.startsWith('int') || name.startsWith('naive')
                ? 'int-quantized'
                : 'float-quantized',
          )
    for (const [part, { format, shape, bytes }] of Object.entries(written)) {
      // Scales of blocks of rows are written one a row; scales of one in all have an axis more or less.
      if (part === 'weight_scale' && (name.endsWith('block') || name.endsWith('tensor'))) continue
      expect([part, format, shape, [...bytes]]).toEqual([
        part,
        parts[part]?.format,
        parts[part]?.shape,
        [...(parts[part]?.bytes ?? [])],
      ])
    }
    if (!name.endsWith('block')) expect(Object.keys(written).sort()).toEqual(Object.keys(parts).sort())
  })
})

describe('a matrix survives', () => {
  const layouts: readonly (readonly [string, Grid, (matrix: QuantizedMatrix) => StoredParts, unknown])[] = [
    ...([2, 3, 4, 8] as const).flatMap((bits) =>
      ([1, 2] as const).map(
        (version) =>
          [
            `GPTQ ${bits} bits, version ${version}`,
            integers(bits, version === 1),
            (matrix: QuantizedMatrix) => writeGptq(matrix, version),
            gptqConfig(integers(bits, version === 1), version),
          ] as const,
      ),
    ),
    ['AWQ', integers(4, false), writeAwq, awqConfig(integers(4, false))],
    ...(['pack-quantized', 'int-quantized'] as CompressedFormat[]).flatMap((format) =>
      [integers(4, false), integers(3, true), integers(8, false, 'row'), integers(8, true, 'tensor')].map(
        (grid) =>
          [
            `${format} ${grid.bits} bits by ${grid.group}`,
            grid,
            (matrix: QuantizedMatrix) => writeCompressed(matrix, format),
            compressedTensorsConfig(grid, format),
          ] as const,
      ),
    ),
    [
      'float-quantized',
      codebookGrid('fp8_e4m3', 'row', 'f32'),
      (matrix) => writeCompressed(matrix, 'float-quantized'),
      compressedTensorsConfig(codebookGrid('fp8_e4m3', 'row', 'f32'), 'float-quantized'),
    ],
  ]
  test.for(layouts)('%s', async ([, grid, write, config]) => {
    const matrix = matrixOf(grid)
    const back = await valuesOf(write(matrix), config)
    expect(back.values).toEqual(dequantizeMatrix(matrix))
    expect(back.matrix).toMatchObject({ grid, codes: matrix.codes, scales: matrix.scales })
  })
})

test('scales of inputs are shown where the configuration says that they are of static int8, and not where they are of other codes', async () => {
  const grid = integers(8, true, 'row')
  const parts = {
    ...writeCompressed(matrixOf(grid), 'int-quantized'),
    input_scale: { format: 'bf16', shape: [1], bytes: Uint8Array.of(0, 0x3d) },
  }
  const shown = async (inputs: object | null): Promise<boolean> => {
    const written = compressedTensorsConfig(grid, 'int-quantized', { activations: 'int8-static' }) as {
      readonly config_groups: { readonly group_0: { readonly input_activations: object } }
    }
    const {
      config_groups: { group_0: group },
    } = written
    const config = {
      ...written,
      config_groups: { group_0: { ...group, input_activations: inputs && { ...group.input_activations, ...inputs } } },
    }
    const { tensors } = await quantizedCheckpoint(await checkpointOf(parts), config)
    return [...tensors.keys()].some((name) => name.endsWith('.input_scale'))
  }
  expect(await shown({})).toBe(true)
  for (const other of [
    null,
    { type: 'float' },
    { dynamic: true },
    { strategy: 'token' },
    { symmetric: false },
    { num_bits: 4 },
  ])
    expect(await shown(other), JSON.stringify(other)).toBe(false)
})
