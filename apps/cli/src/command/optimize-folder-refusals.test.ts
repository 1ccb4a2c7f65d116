import { cp, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { tessera } from '../../test/support/capture.ts'
import { tiny, tinyWith } from '../../test/support/models.ts'
import { inWork, text } from '../../test/support/optimize-work.ts'

describe('refused before anything is computed', () => {
  test.for([
    [
      { steps: [{ kind: 'quantize', method: 'rtn', format: 'q4_0' }] },
      'layers.0.attention.query is to become q4_0, a ggml type, which only GGUF files hold; let OUT end in .gguf',
    ],
    [
      { layout: 'awq', steps: [{ kind: 'quantize', method: 'rtn', format: { bits: 3, group: 32 } }] },
      'the awq layout cannot hold this: layers.0.attention.query: it holds 4 bits, not 3; use gptq or compressed-tensors',
    ],
    [
      { layout: 'compressed-tensors', steps: [{ kind: 'quantize', method: 'rtn', format: { bits: 4, group: 80 } }] },
      'its groups of 80 columns do not divide 192; use a group that does, or the gptq layout',
    ],
    [
      {
        layout: 'gptq',
        steps: [
          { kind: 'quantize', method: 'rtn', format: { bits: 4, group: 32 } },
          { kind: 'quantize', targets: 'layers.0.mlp.*', method: 'rtn', format: { bits: 3, group: 32 } },
        ],
      },
      'but it has one format for all layers; use compressed-tensors',
    ],
    [
      {
        layout: 'gptq',
        steps: [{ kind: 'quantize', targets: 'embedding', method: 'rtn', format: { bits: 8, group: 'row' } }],
      },
      'it holds no embeddings; use compressed-tensors',
    ],
    [
      { steps: [{ kind: 'quantize', method: 'hqq', format: { bits: 4, group: 64 } }] },
      'set integerZeros: true in the step',
    ],
    [
      { layout: 'gptq', steps: [{ kind: 'quantize', method: 'rtn', format: { codebook: 'fp8_e4m3', group: 'row' } }] },
      'the gptq layout cannot hold this: layers.0.attention.query: it holds integers, not 8-bit floats; use compressed-tensors',
    ],
    [
      { steps: [{ kind: 'quantize', method: 'rtn', format: { codebook: 'fp8_e4m3', group: 64 } }] },
      '8-bit floats have one scale a row or a tensor there, not one of 64 columns',
    ],
    [
      {
        activations: 'int8-token',
        steps: [{ kind: 'quantize', method: 'rtn', format: { codebook: 'fp8_e4m3', group: 'row' } }],
      },
      'is to become fp8_e4m3 a row, whose inputs a folder cannot have in integers; leave activations (int8-token) out',
    ],
    [
      { steps: [{ kind: 'quantize', method: 'rtn', format: { codebook: 'nf4', group: 64 } }] },
      "layouts of folders hold integers and 8-bit floats; use { bits, group }, or { codebook: 'fp8_e4m3', group: 'row' }",
    ],
    [
      { layout: 'marlin', steps: [{ kind: 'rotate' }] },
      'layout is "marlin", but must be ("gptq" | "awq" | "compressed-tensors")',
    ],
  ] as const)('%j', ([recipe, message]) =>
    inWork(async ({ folder, out, write }) => {
      const { code, stderr } = await tessera(['optimize', tiny, out, '--recipe', await write(recipe)])
      expect(stderr).toContain(message)
      expect(code).not.toBe(0)
      expect(await readdir(folder)).not.toContain('out')
    }),
  )

  test('an output in the input would change what is read', () =>
    inWork(async ({ folder, optimize }) => {
      const hub = join(folder, 'hub')
      expect((await tessera(['convert', tiny, hub])).code).toBe(0)
      for (const out of [hub, `${hub}/`, join(hub, 'small')])
        expect((await optimize(hub, out, '--bits', '4')).stderr).toContain(
          'is the input, or lies in it; name another place',
        )
    }))

  test('a folder that was not made by this command is not replaced', () =>
    inWork(async ({ out, optimize }) => {
      await mkdir(out)
      await cp(tiny, join(out, 'letters.txt'))
      expect((await optimize(tiny, out, '--bits', '4', '--group', '32')).stderr).toContain(
        'is there already and not an empty folder; name a new one',
      )
      expect(await readdir(out)).toEqual(['letters.txt'])
    }))
})

describe('wrong input', () => {
  test('a weight that is no number is named with its index, in either kind of file, and nothing is written', () =>
    inWork(async ({ folder, write }) => {
      const damaged = join(folder, 'damaged.gguf')
      await tinyWith(damaged, [], (name, bytes) => {
        if (name !== 'blk.1.ffn_up.weight') return bytes
        const copy = bytes.slice()
        // The f16 NaN 0x7e00 in row 2, column 5 of [512, 192].
        copy.set([0, 0x7e], 2 * (2 * 192 + 5))
        return copy
      })
      const recipe = await write({ steps: [{ kind: 'quantize', method: 'rtn', format: { bits: 4, group: 32 } }] })
      const { code, stderr } = await tessera(['optimize', damaged, join(folder, 'out'), '--recipe', recipe])
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining(
          'optimize: model.layers.1.mlp.up_proj.weight [512, 192] holds NaN at index 389; the file is damaged',
        ),
      ])
      expect((await tessera(['optimize', damaged, join(folder, 'out.gguf'), '--format', 'q4_0'])).stderr).toContain(
        'optimize: blk.1.ffn_up.weight [512, 192] holds NaN at index 389',
      )
      expect((await readdir(folder)).filter((name) => name === 'out' || name === 'out.gguf')).toEqual([])
    }))

  test('a text that is too short, and a place where nothing can be written', () =>
    inWork(async ({ folder, out, write }) => {
      const short = join(folder, 'short.txt')
      await writeFile(short, text)
      const recipe = await write({
        calibration: { windows: 2, window: 48 },
        steps: [{ kind: 'awq' }, { kind: 'quantize', method: 'gptq', format: { bits: 4, group: 32 } }],
      })
      const { code, stderr } = await tessera(['optimize', tiny, out, '--recipe', recipe, '--calibrate', short])
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(
          /2 windows of 48 tokens need 96 tokens, but the text has \d+; give a longer text, or (set|fewer) /,
        ),
      ])
      const nowhere = await tessera(['optimize', tiny, '/no/such/folder/out', '--bits', '4', '--group', '32'])
      expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringMatching(/\/no\/such\/folder\/out/)])
    }))
})
