import { failureOf } from '@tessera-llm/testing'
import { describe, expect, test } from 'vitest'
import { cases, checkpointOf, goldenParts, integers, matrixOf, valuesOf } from '../../test/checkpoints.ts'
import {
  codebookGrid,
  quantizedCheckpoint,
  readQuantizationConfig,
  type StoredParts,
  writeAwq,
  writeCompressed,
  writeGptq,
} from '../index.ts'

describe('refuses by name', () => {
  test('matrices that a layout cannot hold, with what can', async () => {
    expect(await failureOf(() => writeGptq(matrixOf(codebookGrid('nf4', 32)), 1))).toBe(
      'unsupported: GPTQ layout: it holds integers with a scale for each row or group, not nf4; use compressed-tensors',
    )
    expect(await failureOf(() => writeGptq(matrixOf(integers(3, true), 32, 80), 1))).toContain(
      'whole words of 32 bits; use compressed-tensors, which pads',
    )
    const positive = { ...matrixOf(integers(4, false)), zeros: new Float32Array(96) }
    expect(await failureOf(() => writeGptq(positive, 1))).toContain(
      'a zero of 0 is read differently by different programs; use version 2',
    )
    expect(await failureOf(() => writeGptq({ ...positive, zeros: new Float32Array(96).fill(1.5) }, 2))).toContain(
      'the zero at index 0 is 1.5; quantize with integer zeros',
    )
    expect(await failureOf(() => writeAwq(matrixOf(integers(3, false))))).toContain(
      'AWQ layout: it holds 4-bit integers with a scale for each row or group, not 3-bit ones by 32',
    )
    expect(await failureOf(() => writeAwq(matrixOf(integers(4, false), 12)))).toContain('12 is not a multiple of 8')
    expect(await failureOf(() => writeCompressed(matrixOf(codebookGrid('nf4', 32)), 'pack-quantized'))).toContain(
      'it holds integers, not nf4',
    )
    expect(await failureOf(() => writeCompressed(matrixOf(integers(4, true)), 'float-quantized'))).toContain(
      'it holds fp8_e4m3, not 4-bit integers',
    )
  })

  test.for([
    [undefined, 'invalid-file: quantization_config: quantization_config must be an object, but is missing'],
    [
      { quant_method: 'bitsandbytes' },
      'unsupported: quantization_config: the quantization method "bitsandbytes"; gptq, awq and compressed-tensors are read',
    ],
    [
      { quant_method: 'gptq', bits: 5, group_size: 32 },
      'unsupported: quantization_config: GPTQ with 5 bits; 2, 3, 4 and 8 are read',
    ],
    [
      { quant_method: 'gptq', bits: 4 },
      'invalid-file: quantization_config: group_size must be an integer, but is missing',
    ],
    [
      { quant_method: 'gptq', bits: 4, group_size: 32, checkpoint_format: 'marlin' },
      'unsupported: quantization_config: the GPTQ checkpoint format "marlin"; gptq and gptq_v2 are read',
    ],
    [
      { quant_method: 'awq', bits: 4, group_size: 32, version: 'gemv' },
      'unsupported: quantization_config: AWQ with 4 bits in the version "gemv"; 4 bits in the version gemm are read',
    ],
    [
      { quant_method: 'compressed-tensors' },
      'invalid-file: quantization_config: quantization_config.config_groups must be an object, but is missing',
    ],
    [
      {
        quant_method: 'compressed-tensors',
        format: 'marlin-24',
        config_groups: { a: { targets: ['Linear'], weights: { num_bits: 4 } } },
      },
      'unsupported: quantization_config: the compressed-tensors format "marlin-24"; pack-quantized',
    ],
    [
      { quant_method: 'compressed-tensors', config_groups: { a: { targets: 'Linear', weights: { num_bits: 4 } } } },
      'invalid-file: quantization_config: config_groups.a.targets must be a list of names',
    ],
    [
      {
        quant_method: 'compressed-tensors',
        config_groups: { a: { targets: ['Linear'], weights: { num_bits: 4, type: 'float' } } },
      },
      'unsupported: quantization_config: compressed-tensors floats of 4 bits; 8 are read',
    ],
    [
      {
        quant_method: 'compressed-tensors',
        config_groups: { a: { targets: ['Linear'], weights: { num_bits: 8, strategy: 'block' } } },
      },
      'invalid-file: quantization_config: config_groups.a.weights.block_structure must be two sides',
    ],
  ] as const)('the configuration %o', async ([config, message]) => {
    expect(await failureOf(() => readQuantizationConfig(config))).toContain(message)
  })

  const gptq4 = async (): Promise<StoredParts> => (await goldenParts('gptq_4b')).parts
  const config = cases.find(({ case: name }) => name === 'gptq_4b')?.config
  const packed = async (): Promise<StoredParts> => (await goldenParts('pack_4b_group_asym')).parts
  const packedConfig = cases.find(({ case: name }) => name === 'pack_4b_group_asym')?.config as Record<string, unknown>
  const changed = (parts: StoredParts, name: string, change: Partial<StoredParts[string]>): StoredParts => ({
    ...parts,
    [name]: { ...(parts[name] as StoredParts[string]), ...change },
  })
  const without = (parts: StoredParts, name: string): StoredParts =>
    Object.fromEntries(Object.entries(parts).filter(([part]) => part !== name))

  test.for<readonly [string, () => Promise<StoredParts>, unknown, string]>([
    [
      'no quantized tensor',
      async () => ({ weight: { format: 'f32', shape: [1], bytes: new Uint8Array(4) } }),
      config,
      'says gptq, but no tensor is called *.qweight',
    ],
    [
      'a missing part',
      async () => without(await gptq4(), 'scales'),
      config,
      'up_proj.scales is missing; a weight of this layout has it beside qweight, qzeros, g_idx',
    ],
    [
      'a part of another type',
      async () => changed(await gptq4(), 'qzeros', { format: 'f32' }),
      config,
      'up_proj.qzeros must be i32, but is f32',
    ],
    [
      'scales of another shape',
      async () => changed(await gptq4(), 'scales', { shape: [1, 64] }),
      config,
      'up_proj.scales must have the shape [1, 32] beside the other parts, but has [1, 64]',
    ],
    [
      'another group size',
      gptq4,
      { ...config, group_size: 16 },
      'up_proj.scales holds 2 groups, but 64 columns in groups of 16 make 4',
    ],
    [
      'a group that is not there',
      async () => changed(await gptq4(), 'g_idx', { bytes: new Uint8Array(256).fill(9, 8, 9) }),
      config,
      'up_proj.g_idx names group 9 for column 2; there are 2',
    ],
    [
      'a negative group',
      async () => changed(await gptq4(), 'g_idx', { bytes: new Uint8Array(256).fill(255, 0, 4) }),
      config,
      'up_proj.g_idx names group -1 for column 0',
    ],
    [
      'a scale that is not a number',
      async () => changed(await gptq4(), 'scales', { bytes: new Uint8Array(128).fill(0x7e) }),
      config,
      'up_proj.scales holds NaN at index 0; the file is damaged',
    ],
    [
      'a size that the words do not have',
      async () =>
        changed(await packed(), 'weight_shape', { bytes: new Uint8Array(new BigInt64Array([10n, 2n ** 50n]).buffer) }),
      packedConfig,
      'up_proj.weight_shape says 10 × 1125899906842624, which does not fit 4-bit codes in weight_packed [10, 12]',
    ],
    [
      'a negative size',
      async () =>
        changed(await packed(), 'weight_shape', { bytes: new Uint8Array(new BigInt64Array([-10n, 96n]).buffer) }),
      packedConfig,
      'says -10 × 96',
    ],
    ['no size', async () => without(await packed(), 'weight_shape'), packedConfig, 'up_proj.weight_shape is missing'],
    [
      'no scheme for a layer',
      packed,
      {
        ...packedConfig,
        config_groups: {
          a: { targets: ['model.layers.1.mlp.up_proj'], weights: { num_bits: 4, strategy: 'group', group_size: 32 } },
        },
      },
      'no entry of config_groups is for model.layers.0.mlp.up_proj',
    ],
    [
      'a pattern that is none',
      packed,
      {
        ...packedConfig,
        config_groups: { a: { targets: ['re:('], weights: { num_bits: 4, strategy: 'group', group_size: 32 } } },
      },
      'the target "re:(" is not a regular expression',
    ],
  ])('%s', async ([, parts, broken, message]) => {
    expect(await failureOf(async () => quantizedCheckpoint(await checkpointOf(await parts()), broken))).toContain(
      message,
    )
  })

  test('8-bit floats that are no numbers, and integers beyond their bits, when they are read', async () => {
    const float = await goldenParts('float_8b_channel')
    const floatConfig = cases.find(({ case: name }) => name === 'float_8b_channel')?.config
    const broken = changed(float.parts, 'weight', { bytes: new Uint8Array(6 * 64).fill(0xff, 70, 71) })
    expect(await failureOf(() => valuesOf(broken, floatConfig))).toContain('up_proj.weight is not a number at index 70')
    const { parts } = await goldenParts('int_8b_channel')
    const fourBits = {
      quant_method: 'compressed-tensors',
      format: 'int-quantized',
      config_groups: { a: { targets: ['Linear'], weights: { num_bits: 4, type: 'int', strategy: 'channel' } } },
    }
    expect(await failureOf(() => valuesOf(parts, fourBits))).toMatch(
      /up_proj.weight holds -?\d+ at index \d+, beyond −8 … 7/,
    )
  })
})
