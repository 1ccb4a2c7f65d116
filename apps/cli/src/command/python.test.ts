import { execFileSync, spawnSync } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tessera } from '../../test/support/capture.ts'
import { tiny, tinyGolden } from '../../test/support/models.ts'

// Python with transformers and compressed-tensors, and gptqmodel for two of the layouts:
// TESSERA_PYTHON=/path/to/python.
const python = process.env['TESSERA_PYTHON'] ?? 'python3'
const script = fileURLToPath(new URL('../../../../tooling/golden/run_folders.py', import.meta.url))
const found = spawnSync(
  python,
  [
    '-c',
    'from importlib.util import find_spec; print(*(name for name in ("torch", "transformers", "compressed_tensors", "gptqmodel") if find_spec(name)))',
  ],
  { encoding: 'utf8' },
)
const packages = found.status === 0 ? found.stdout.trim().split(' ') : []
const lacking =
  found.status === 0
    ? ['torch', 'transformers', 'compressed_tensors'].filter((name) => !packages.includes(name)).join(', ')
    : python

const int8 = { bits: 8, group: 'row', symmetric: true }
const symmetric = { bits: 4, group: 64, symmetric: true }
const rtn = (format: object, more: object = {}): object => ({
  steps: [{ kind: 'quantize', method: 'rtn', format, ...more }],
})
const tensors = { layout: 'compressed-tensors' }

/** Folder, recipe, and the rounding of inputs on both sides. */
const ours: readonly (readonly [string, object, string?])[] = [
  ['int4', { ...tensors, ...rtn(symmetric) }],
  ['int4 with zeros', { ...tensors, ...rtn({ bits: 4, group: 64 }) }],
  ['int3 with zeros', { ...tensors, ...rtn({ bits: 3, group: 64 }) }],
  [
    'two formats',
    {
      ...tensors,
      steps: [
        ...(rtn(symmetric) as { steps: object[] }).steps,
        ...(rtn(int8, { targets: 'layers.*.attention.*' }) as { steps: object[] }).steps,
      ],
    },
  ],
  ['rotated', { ...tensors, steps: [{ kind: 'rotate' }, ...(rtn(symmetric) as { steps: object[] }).steps] }],
  ['int8', { ...tensors, ...rtn(int8) }],
  ['fp8', rtn({ codebook: 'fp8_e4m3', group: 'row' }, { clip: false })],
  ['fp8 a tensor', rtn({ codebook: 'fp8_e4m3', group: 'tensor' })],
  ['int8 by tokens', { activations: 'int8-token', ...rtn(int8) }, 'int8-token'],
  ['int8 static', { activations: 'int8-static', calibration: { windows: 2, window: 64 }, ...rtn(int8) }, 'int8-static'],
  ...(packages.includes('gptqmodel')
    ? ([
        ['gptq', { layout: 'gptq', ...rtn(symmetric) }],
        ['gptq with zeros', { layout: 'gptq', ...rtn({ bits: 4, group: 64 }) }],
        ['awq', { layout: 'awq', ...rtn({ bits: 4, group: 64 }) }],
      ] as const)
    : []),
]
const theirs: readonly (readonly [string, object])[] = [
  ['their int4', { weights: { num_bits: 4, type: 'int', symmetric: true, strategy: 'group', group_size: 64 } }],
  [
    'their int4 with zeros',
    { weights: { num_bits: 4, type: 'int', symmetric: false, strategy: 'group', group_size: 64 } },
  ],
  ['their int8', { weights: { num_bits: 8, type: 'int', symmetric: true, strategy: 'channel' } }],
  ['their fp8', { weights: { num_bits: 8, type: 'float', symmetric: true, strategy: 'channel' } }],
]

interface Answer {
  readonly logits: Readonly<Record<string, readonly (readonly number[])[]>>
  readonly failed: Readonly<Record<string, string>>
}

describe.skipIf(lacking !== '')(
  `transformers and this program have the same logits${lacking === '' ? '' : `: skipped, there is no ${lacking}`}`,
  { timeout: 300_000 },
  () => {
    let folder = ''
    let answer: Answer
    let sequences: readonly (readonly number[])[]

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tessera-python-'))
      const at = (name: string): string => join(folder, name)
      sequences = (await tinyGolden()).prompts.map(({ idsWithBos }) => idsWithBos)
      const succeed = async (...argv: string[]): Promise<void> => {
        const { code, stderr } = await tessera(argv)
        expect(code, stderr).toBe(0)
      }
      await succeed('convert', tiny, at('original'))
      await writeFile(
        at('text.txt'),
        'We hold the right of the people to be the first and the last of the laws of the land. '.repeat(20),
      )
      for (const [name, recipe] of ours) {
        await writeFile(at(`${name}.json`), JSON.stringify(recipe))
        await succeed('optimize', tiny, at(name), '--recipe', at(`${name}.json`), '--calibrate', at('text.txt'))
      }
      const write = theirs.map(([name, scheme]) => ({ from: at('original'), to: at(name), scheme }))
      answer = JSON.parse(
        execFileSync(python, [script], {
          input: JSON.stringify({ ids: sequences, write, read: ours.map(([name]) => at(name)) }),
          encoding: 'utf8',
          stdio: ['pipe', 'pipe', 'ignore'],
          maxBuffer: 2 ** 28,
        }),
      ) as Answer
      for (const [name] of theirs) {
        for (const file of ['tokenizer.json', 'tokenizer_config.json'])
          await cp(join(at('original'), file), join(at(name), file))
      }
    }, 600_000)
    afterAll(() => rm(folder, { recursive: true, force: true }))

    /** The largest difference between logits of each sequence, ascending. */
    async function differencesOf(name: string, activations = 'f32'): Promise<readonly number[]> {
      const path = join(folder, name)
      const expected = answer.logits[path]
      if (!expected) throw new Error(answer.failed[path] ?? `Python did not read ${name}`)
      const differences: number[] = []
      for (const [index, ids] of sequences.entries()) {
        const vocabulary = expected[index]?.length ?? 0
        const { stdout, stderr } = await tessera([
          'logits',
          path,
          '--ids',
          ids.join(),
          '--top',
          String(vocabulary),
          '--device',
          'wasm',
          '--activations',
          activations,
          '--cache',
          'f32',
          '--json',
        ])
        expect(stdout, stderr).not.toBe('')
        const { top } = JSON.parse(stdout) as {
          readonly top: readonly { readonly id: number; readonly logit: number }[]
        }
        expect(top).toHaveLength(vocabulary)
        differences.push(
          Math.max(...top.map(({ id, logit }) => Math.abs(logit - (expected[index]?.[id] ?? Number.NaN)))),
        )
      }
      return differences.sort((a, b) => a - b)
    }

    test.for(ours.filter(([, , activations]) => activations === undefined))(
      'of what is written here: %s',
      async ([name]) => {
        // AWQ's CPU kernel computes in f16.
        expect((await differencesOf(name)).at(-1)).toBeLessThan(name === 'awq' ? 0.02 : 1e-4)
      },
    )

    test.for(ours.filter(([, , activations]) => activations !== undefined))(
      'of what is written here, with rounded inputs: %s',
      async ([name, , activations]) => {
        // An input at a tie may round to the other side, which changes all later values; this happens in at most two of
        // these sequences.
        expect((await differencesOf(name, activations))[2]).toBeLessThan(1e-4)
      },
    )

    test.for(theirs)('of what compressed-tensors writes: %s', async ([name]) => {
      expect((await differencesOf(name)).at(-1)).toBeLessThan(1e-4)
    })
  },
)
