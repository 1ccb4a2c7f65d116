import { readFile } from 'node:fs/promises'
import {
  bufferSink,
  bufferSource,
  type Checkpoint,
  readGguf,
  readSafetensors,
  writeSafetensors,
} from '@tessera-llm/formats'
import { quantizedCheckpoint } from '@tessera-llm/quantization'
import { type Fields, llamaFamily } from '@tessera-llm/runtime'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { tinyModel } from '@tessera-llm/tiny-model'
import { beforeAll, expect, test } from 'vitest'
import { type Applied, applyRecipe } from '../apply/index.ts'
import { huggingFaceContent, safetensorsCheckpointOf } from '../convert/index.ts'
import type { MatrixWeight } from '../quantize/index.ts'
import { parseRecipe } from '../recipe/index.ts'
import { type Subject, subjectOf } from '../subject/index.ts'
import { type FolderContent, folderContent, plannedFolder } from './index.ts'

let checkpoint: Checkpoint
let config: Fields
let subject: Subject
beforeAll(async () => {
  const content = await huggingFaceContent(await readGguf(bufferSource(await readFile(tinyModel.ggufUrl))))
  checkpoint = safetensorsCheckpointOf(content.tensors)
  config = content.config
  subject = subjectOf(checkpoint, { families: [llamaFamily], config })
})

/** Content of a folder after rounding one block to nearest. */
async function written(
  format: object,
  more: object = {},
  step: object = {},
): Promise<{ readonly applied: Applied; readonly content: FolderContent; readonly checkpoint: Checkpoint }> {
  const recipe = parseRecipe({
    ...more,
    steps: [
      { kind: 'quantize', targets: ['layers.0.attention.value', 'layers.0.mlp.down'], method: 'rtn', format, ...step },
    ],
  })
  const device = createReferenceDevice()
  const applied = await applyRecipe(subject, recipe, { device })
  const content = await folderContent(applied, subject, checkpoint, { config, layout: recipe.layout })
  const sink = bufferSink()
  await writeSafetensors({ tensors: content.tensors }, sink)
  return { applied, content, checkpoint: await readSafetensors(bufferSource(sink.bytes())) }
}

test.each([
  [{ bits: 3, group: 64, symmetric: true }, {}, 'gptq', { checkpoint_format: 'gptq', sym: true, lm_head: false }],
  [{ bits: 2, group: 80 }, {}, 'gptq', { checkpoint_format: 'gptq_v2', group_size: 80 }],
  [{ bits: 4, group: 'row' }, { layout: 'awq' }, 'awq', { group_size: -1 }],
  [{ bits: 3, group: 64 }, { layout: 'compressed-tensors' }, 'compressed-tensors', { format: 'pack-quantized' }],
  [
    { bits: 8, group: 'row', symmetric: true },
    {},
    'compressed-tensors',
    {
      format: 'int-quantized',
      config_groups: { group_0: { targets: ['Linear'], weights: { strategy: 'channel', symmetric: true } } },
    },
  ],
  [{ bits: 8, group: 32 }, { layout: 'gptq' }, 'gptq', { bits: 8 }],
  [
    { codebook: 'fp8_e4m3', group: 'row' },
    {},
    'compressed-tensors',
    {
      format: 'float-quantized',
      config_groups: {
        group_0: {
          targets: ['Linear'],
          input_activations: null,
          weights: { num_bits: 8, type: 'float', strategy: 'channel', symmetric: true, dynamic: false },
        },
      },
    },
  ],
  [
    { codebook: 'fp8_e4m3', group: 'tensor' },
    {},
    'compressed-tensors',
    { format: 'float-quantized', config_groups: { group_0: { weights: { type: 'float', strategy: 'tensor' } } } },
  ],
] as const)(
  '%j, %j: read again, every code and scale is what the method gave',
  async (format, more, layout, quantization) => {
    const { applied, content, checkpoint: read } = await written(format, more)
    expect(content.layout).toBe(layout)
    expect(content.config['quantization_config']).toMatchObject({ quant_method: layout, ...quantization })
    const whole = await quantizedCheckpoint(read, content.config['quantization_config'])
    expect([...whole.tensors.keys()].sort()).toEqual([...checkpoint.tensors.keys()].sort())
    for (const [name, stored] of [
      ['layers.0.attention.value', 'model.layers.0.self_attn.v_proj.weight'],
      ['layers.0.mlp.down', 'model.layers.0.mlp.down_proj.weight'],
    ] as const) {
      const { matrix } = (await applied.weight(name)).weight as MatrixWeight
      expect(await whole.matrix(stored)).toMatchObject({
        codes: matrix.codes,
        scales: matrix.scales,
        shape: matrix.shape,
      })
    }
    // Weights that no step targets keep their bytes, and the config lists them.
    const untouched = 'model.layers.0.mlp.up_proj.weight'
    expect(
      Buffer.compare(
        Buffer.from((await whole.tensors.get(untouched)?.read()) ?? []),
        Buffer.from((await checkpoint.tensors.get(untouched)?.read()) ?? []),
      ),
    ).toBe(0)
    expect(JSON.stringify(content.config['quantization_config'])).toMatch(
      /model(\\\\)?\.layers(\\\\)?\.0(\\\\)?\.mlp(\\\\)?\.up_proj/,
    )
  },
)

test('hqq with integer zeros is held', async () => {
  const {
    applied,
    content,
    checkpoint: read,
  } = await written({ bits: 4, group: 64 }, {}, { method: 'hqq', integerZeros: true })
  const whole = await quantizedCheckpoint(read, content.config['quantization_config'])
  const { matrix } = (await applied.weight('layers.0.mlp.down')).weight as MatrixWeight
  expect(matrix.zeros?.every(Number.isInteger)).toBe(true)
  expect(await whole.matrix('model.layers.0.mlp.down_proj.weight')).toMatchObject({
    codes: matrix.codes,
    zeros: matrix.zeros,
  })
})

test('floats are floats: without integers there is no layout and no quantization_config', async () => {
  const { content } = await written('f16' as never)
  expect(content.layout).toBeUndefined()
  expect(content.config).not.toHaveProperty('quantization_config')
  expect(content.tensors.find(({ name }) => name === 'model.layers.0.mlp.down_proj.weight')?.format).toBe('f16')
})

test('8-bit floats beside integers: an entry of the config for each, and the bytes that are planned', async () => {
  const steps = [
    {
      kind: 'quantize',
      targets: 'layers.*.attention.*',
      method: 'rtn',
      format: { codebook: 'fp8_e4m3', group: 'row' },
    },
    {
      kind: 'quantize',
      targets: 'layers.*.mlp.down',
      method: 'rtn',
      format: { codebook: 'fp8_e4m3', group: 'tensor' },
    },
    { kind: 'quantize', targets: 'layers.0.mlp.up', method: 'rtn', format: { bits: 4, group: 64 } },
  ]
  const recipe = parseRecipe({ steps })
  const applied = await applyRecipe(subject, recipe, { device: createReferenceDevice() })
  const content = await folderContent(applied, subject, checkpoint, { config })
  expect(content.config['quantization_config']).toMatchObject({
    format: 'mixed-precision',
    config_groups: {
      group_0: { format: 'float-quantized', weights: { strategy: 'channel' } },
      group_1: { format: 'pack-quantized', targets: ['model.layers.0.mlp.up_proj'] },
      group_2: { format: 'float-quantized', weights: { strategy: 'tensor' } },
    },
  })
  const planned = plannedFolder(applied, subject, checkpoint, { config })
  expect(planned.config).toEqual(content.config)
  const sizes = (tensors: FolderContent['tensors']): readonly object[] =>
    tensors.map(({ name, format, shape }) => ({ name, format, shape }))
  expect(sizes(planned.tensors)).toEqual(sizes(content.tensors))
  expect(content.tensors.filter(({ name }) => name.startsWith('model.layers.0.mlp.down_proj'))).toMatchObject([
    { name: 'model.layers.0.mlp.down_proj.weight_scale', format: 'f32', shape: [1] },
    { name: 'model.layers.0.mlp.down_proj.weight', format: 'fp8_e4m3', shape: [192, 512] },
  ])
})
