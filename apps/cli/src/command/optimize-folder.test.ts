import { existsSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { namedRecipe, type Receipt } from '@tessera-llm/optimize'
import type { Fields } from '@tessera-llm/runtime'
import { describe, expect, test } from 'vitest'
import { sentenceFolder, textOf } from '../../../../packages/tessera/test/support/sentence-folder.ts'
import { tessera } from '../../test/support/capture.ts'
import { llamaFolder, tiny } from '../../test/support/models.ts'
import { inWork } from '../../test/support/optimize-work.ts'

const recipeOf = (layout: string | undefined, ...formats: readonly object[]): object => ({
  calibration: { windows: 2, window: 48 },
  ...(layout === undefined ? {} : { layout }),
  steps: formats.map((format, index) => ({
    kind: 'quantize',
    method: index === 0 ? 'rtn' : 'gptq',
    format,
    ...(index === 0 ? {} : { targets: 'layers.1.attention.*' }),
  })),
})

const receiptOf = async (out: string): Promise<Receipt> =>
  JSON.parse(await readFile(`${out}.receipt.json`, 'utf8')) as Receipt

/** Divergence by the command `eval`. */
async function divergenceOf(folder: string, model: string, against: string, activations = 'f32'): Promise<number> {
  const { stdout, stderr } = await tessera([
    'eval',
    model,
    '--against',
    against,
    '--text',
    join(folder, 'evaluate.txt'),
    '--window',
    '32',
    '--windows',
    '2',
    '--protocol',
    'all',
    '--activations',
    activations,
    '--json',
  ])
  expect(stdout, stderr).not.toBe('')
  return (JSON.parse(stdout) as { kld: number }).kld
}

describe('a folder of integers', () => {
  const int = (bits: number, group: number | 'row', symmetric = false): object => ({
    bits,
    group,
    ...(symmetric ? { symmetric } : {}),
  })
  test.for([
    [
      'gptq',
      { quant_method: 'gptq', bits: 4, group_size: 32, sym: false, checkpoint_format: 'gptq_v2' },
      recipeOf(undefined, int(4, 32), int(4, 32)),
    ],
    ['awq', { quant_method: 'awq', bits: 4, group_size: 64, zero_point: true }, recipeOf('awq', int(4, 64))],
    [
      'compressed-tensors',
      {
        quant_method: 'compressed-tensors',
        format: 'mixed-precision',
        config_groups: { group_0: { format: 'pack-quantized' }, group_1: { format: 'int-quantized' } },
      },
      recipeOf('compressed-tensors', int(4, 32), int(8, 'row', true)),
    ],
    [
      'fp8, the embedding too',
      {
        format: 'float-quantized',
        config_groups: {
          group_0: { targets: ['model.embed_tokens'], weights: { num_bits: 8, type: 'float', strategy: 'tensor' } },
          group_1: { input_activations: null, weights: { num_bits: 8, type: 'float', strategy: 'channel' } },
        },
      },
      {
        steps: [
          ...namedRecipe('fp8').steps,
          { kind: 'quantize', targets: 'embedding', method: 'rtn', format: { codebook: 'fp8_e4m3', group: 'tensor' } },
        ],
      },
    ],
    [
      'w8a8',
      {
        format: 'int-quantized',
        config_groups: { group_0: { input_activations: { num_bits: 8, strategy: 'token', dynamic: true } } },
      },
      {
        activations: 'int8-token',
        calibration: { windows: 2, window: 48 },
        steps: [{ kind: 'smooth' }, { kind: 'quantize', method: 'rtn', format: int(8, 'row', true) }],
      },
    ],
    [
      'w8a8-static',
      {
        format: 'int-quantized',
        config_groups: { group_0: { input_activations: { num_bits: 8, strategy: 'tensor', dynamic: false } } },
      },
      {
        activations: 'int8-static',
        calibration: { windows: 2, window: 48 },
        steps: [{ kind: 'smooth' }, { kind: 'quantize', method: 'rtn', format: int(8, 'row', true) }],
      },
    ],
    [
      'w4a4',
      {
        format: 'pack-quantized',
        config_groups: { group_0: { input_activations: { num_bits: 4, strategy: 'token', dynamic: true } } },
        transform_config: {
          config_groups: {
            mlp_down_input: {
              type: 'hadamard',
              apply: [{ location: 'input' }, { location: 'weight_input', inverse: true }],
            },
          },
        },
      },
      {
        activations: 'int4-token',
        layout: 'compressed-tensors',
        steps: [
          { kind: 'rotate', heads: true, down: true },
          { kind: 'quantize', method: 'rtn', format: int(4, 32) },
        ],
      },
    ],
  ] as const)('%s: loaded, it says exactly what the receipt says', ([, quantization, recipe]) =>
    inWork(async ({ folder, out, optimize, write }) => {
      const { code, stderr } = await optimize(tiny, out, '--recipe', await write(recipe))
      expect(code, stderr).toBe(0)
      expect((await readdir(out)).sort()).toEqual([
        'config.json',
        'model.safetensors',
        'tokenizer.json',
        'tokenizer_config.json',
      ])
      expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))).toMatchObject({
        model_type: 'llama',
        tie_word_embeddings: !JSON.stringify(recipe).includes('rotate'),
        quantization_config: quantization,
      })
      const { quality } = await receiptOf(out)
      expect(quality?.kld).toBeGreaterThan(1e-7)
      expect(await divergenceOf(folder, out, tiny, quality?.activations)).toBe(quality?.kld)
      expect(existsSync(`${out}.work`)).toBe(false)
    }),
  )

  test('rotated: the head becomes a weight of its own; verify finds the same folder; a run again replaces it', () =>
    inWork(async ({ out, write }) => {
      const recipe = await write({
        steps: [
          { kind: 'rotate' },
          { kind: 'quantize', targets: 'layers.0.**', method: 'rtn', format: { bits: 4, group: 32 } },
        ],
      })
      expect((await tessera(['optimize', tiny, out, '--recipe', recipe])).code).toBe(0)
      expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))).toMatchObject({ tie_word_embeddings: false })
      const first = await receiptOf(out)
      expect((await tessera(['verify', `${out}.receipt.json`])).stdout).toMatch(/^verified: the same \d+ bytes/)
      expect((await tessera(['optimize', tiny, out, '--recipe', recipe])).code).toBe(0)
      expect((await receiptOf(out)).output).toEqual(first.output)
    }))
})

test('a folder as input: a GGUF file as from the GGUF file, a folder with what else lay in it, and itself again', () =>
  inWork(async ({ folder, optimize, write }) => {
    const hub = join(folder, 'hub')
    expect((await tessera(['convert', tiny, hub])).code).toBe(0)
    await writeFile(join(hub, 'LICENSE'), 'MIT')
    const recipe = await write({ steps: [{ kind: 'quantize', method: 'rtn', format: 'q4_0' }] })
    const [fromFolder, fromFile] = [join(folder, 'from-folder.gguf'), join(folder, 'from-file.gguf')]
    for (const [model, out] of [
      [hub, fromFolder],
      [tiny, fromFile],
    ] as const)
      expect((await optimize(model, out, '--recipe', recipe)).code).toBe(0)
    const [first, second] = [await receiptOf(fromFolder), await receiptOf(fromFile)]
    // The two files order the channels of heads differently, so sums over channels round differently.
    expect(first.quality?.kld).toBeCloseTo(second.quality?.kld ?? 0, 6)
    expect(first.input).toMatchObject({ path: hub, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })

    const integers = await write({
      steps: [{ kind: 'quantize', method: 'rtn', format: { bits: 4, group: 32, symmetric: true } }],
    })
    const [small, smaller] = [join(folder, 'small'), join(folder, 'smaller')]
    expect((await optimize(hub, small, '--recipe', integers)).stderr).not.toContain('tessera:')
    expect(await readdir(small)).toContain('LICENSE')
    expect(await divergenceOf(folder, small, hub)).toBe((await receiptOf(small)).quality?.kld)
    // Quantizes quantized weights again; the old quantization_config must be gone.
    const coarse = await write({
      layout: 'compressed-tensors',
      steps: [
        {
          kind: 'quantize',
          targets: 'layers.0.mlp.*',
          method: 'rtn',
          format: { bits: 3, group: 'row', symmetric: true },
        },
      ],
    })
    expect((await optimize(small, smaller, '--recipe', coarse)).stderr).not.toContain('tessera:')
    const {
      quantization_config: { ignore, config_groups: groups },
    } = JSON.parse(await readFile(join(smaller, 'config.json'), 'utf8')) as {
      quantization_config: { ignore: string[]; config_groups: Fields }
    }
    expect(ignore).toContain('model.layers.1.mlp.up_proj')
    expect(Object.keys(groups)).toEqual(['group_0'])
    expect(await divergenceOf(folder, smaller, small)).toBe((await receiptOf(smaller)).quality?.kld)
  }))

test('a folder of one small llama that transformers wrote, untied head included', () =>
  inWork(async ({ folder, out, write }) => {
    const recipe = await write({
      steps: [{ kind: 'quantize', targets: ['layers.**', 'head'], method: 'rtn', format: { bits: 4, group: 'row' } }],
    })
    const { code, stderr } = await tessera(['optimize', llamaFolder, out, '--recipe', recipe])
    expect(code, stderr).toBe(0)
    expect(await readdir(folder)).toContain('out.receipt.json')
    expect((await tessera(['inspect', out])).stdout).toContain('llama: ')
  }))

test('an encoder: calibrated on sequences of its own form, it stays a sentence encoder', () =>
  inWork(async ({ folder, out, write }) => {
    const encoder = await sentenceFolder()
    try {
      const words = join(folder, 'words.txt')
      await writeFile(words, textOf(Array.from({ length: 400 }, (_, index) => 5 + ((index * 7) % 200))))
      const recipe = await write({
        calibration: { windows: 4, window: 32 },
        steps: [{ kind: 'quantize', method: 'gptq', format: { bits: 8, group: 'row', symmetric: true } }],
      })
      const { code, stderr } = await tessera(['optimize', encoder, out, '--recipe', recipe, '--calibrate', words])
      expect(code, stderr).toBe(0)
      const vectorOf = async (model: string): Promise<number[]> =>
        (
          JSON.parse((await tessera(['embed', model, '--text', textOf([5, 6, 7, 90]), '--json'])).stdout) as {
            embeddings: [number[]]
          }
        ).embeddings[0]
      const [before, after] = [await vectorOf(encoder), await vectorOf(out)]
      expect(after).not.toEqual(before)
      expect(before.reduce((sum, value, index) => sum + value * (after[index] as number), 0)).toBeGreaterThan(0.999)
    } finally {
      await rm(encoder, { recursive: true })
    }
  }))

test('inspect shows what a folder stores, and what devices get of it', () =>
  inWork(async ({ out, write }) => {
    const recipe = await write({
      steps: [{ kind: 'quantize', targets: 'layers.0.mlp.*', method: 'rtn', format: { bits: 4, group: 64 } }],
    })
    expect((await tessera(['optimize', tiny, out, '--recipe', recipe])).code).toBe(0)
    const { stdout } = await tessera(['inspect', out, '--tensors'])
    expect(stdout).toMatch(
      / {2}int4 of 64 +3 tensors {2}1\d\d\.\d KiB, gptq layout, loaded as int4\/g64\/f16\/z4\/rows8\n/,
    )
    expect(stdout).toMatch(/model\.layers\.0\.mlp\.up_proj\.weight\tint4 of 64\t\[512, 192\]\t\d+\n/)
    expect(JSON.parse((await tessera(['inspect', out, '--json'])).stdout)).toMatchObject({
      formats: {
        'int4 of 64': { tensors: 3, layout: 'gptq', loadedAs: ['int4/g64/f16/z4/rows8'] },
        f16: { tensors: 40 },
      },
    })
  }))
