import { existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Receipt } from '@tessera-llm/optimize'
import { expect, test } from 'vitest'
import { tessera } from '../../test/support/capture.ts'
import { inFolder, tiny } from '../../test/support/models.ts'

const text =
  'The President of the United States is the head of the Government, and of the people. Congress shall make no law respecting it. '

/** Calls `use` with a folder that holds a text and a recipe with a budget, whose windows fit the tiny model. */
function inWork<T>(
  step: object,
  use: (paths: { readonly folder: string; readonly text: string; readonly recipe: string }) => Promise<T>,
): Promise<T> {
  return inFolder(async (folder) => {
    const paths = { folder, text: join(folder, 'text.txt'), recipe: join(folder, 'recipe.json') }
    await writeFile(paths.text, text.repeat(8))
    await writeFile(
      paths.recipe,
      JSON.stringify({ calibration: { windows: 2, window: 48 }, steps: [{ kind: 'budget', method: 'rtn', ...step }] }),
    )
    return use(paths)
  })
}

test('a budget becomes a file that it holds, a receipt with the formats that were chosen, and the same bytes again', () =>
  inWork({ size: '1.7MB', formats: ['q8_0', 'q5_0', 'q4_0', 'mxfp4'] }, async ({ folder, text: calibrate, recipe }) => {
    const out = join(folder, 'out.gguf')
    const argv = ['optimize', tiny, out, '--recipe', recipe, '--calibrate', calibrate]
    const planned = await tessera([...argv, '--dry-run', '--json'])
    expect(planned.code, planned.stderr).toBe(0)
    const dry = JSON.parse(planned.stdout) as {
      readonly bytes: number
      readonly recipe: object
      readonly predictedKld: number
      readonly tensors: readonly { readonly after: { readonly format: string } }[]
    }
    expect(existsSync(out)).toBe(false)
    const { code, stderr, stdout } = await tessera([
      ...argv,
      '--evaluate',
      calibrate,
      '--window',
      '32',
      '--windows',
      '2',
    ])
    expect(code, stderr).toBe(0)
    expect(stderr).toMatch(/budget 1700000 bytes: the file will have 1[67]\d{5}, the predicted divergence is [\d.e-]+/)
    expect(stdout).toMatch(/out\.gguf: 5\.3 MiB → 1\.6 MiB/)
    const receipt = JSON.parse(await readFile(`${out}.receipt.json`, 'utf8')) as Receipt
    const { size } = await stat(out)
    expect(size).toBe(dry.bytes)
    expect(size).toBeLessThanOrEqual(1_700_000)
    expect(size).toBeGreaterThan(1_690_000)
    expect(receipt).toMatchObject({
      output: { bytes: size },
      budget: { bytes: 1_700_000, predictedKld: dry.predictedKld },
      recipe: dry.recipe,
    })
    expect(new Set(dry.tensors.map(({ after }) => after.format)).size).toBeGreaterThan(2)
    expect(existsSync(`${out}.work.budget`)).toBe(false)
    const again = await tessera(['verify', `${out}.receipt.json`])
    expect(again.stdout, again.stderr).toMatch(/^verified: the same \d+ bytes/)
  }))

test('a folder keeps to the bytes of all its files', () =>
  inWork(
    {
      size: '4.7MB',
      targets: ['embedding', 'layers.0.**'],
      formats: [
        { bits: 4, group: 64 },
        { bits: 3, group: 64 },
        { bits: 8, group: 64, symmetric: true },
      ],
    },
    async ({ folder, text: calibrate, recipe }) => {
      const out = join(folder, 'out')
      const { code, stderr } = await tessera(['optimize', tiny, out, '--recipe', recipe, '--calibrate', calibrate])
      expect(code, stderr).toBe(0)
      const receipt = JSON.parse(await readFile(`${out}.receipt.json`, 'utf8')) as Receipt
      expect(receipt.output.bytes).toBeLessThanOrEqual(4_700_000)
      expect(receipt.output.bytes).toBeGreaterThan(4_680_000)
      const made = await tessera(['eval', out, '--text', calibrate, '--window', '32', '--windows', '2', '--json'])
      expect((JSON.parse(made.stdout) as { readonly perplexity: number }).perplexity).toBeGreaterThan(1)
      // Input is a folder; its other files are copied.
      const second = await tessera([
        'optimize',
        out,
        join(folder, 'second'),
        '--recipe',
        recipe,
        '--calibrate',
        calibrate,
      ])
      expect(second.code, second.stderr).toBe(0)
      expect(
        (JSON.parse(await readFile(join(folder, 'second.receipt.json'), 'utf8')) as Receipt).output.bytes,
      ).toBeLessThanOrEqual(4_700_000)
    },
  ))

test.each([
  [['--budget', '60Mo'], 2, 'size: "60Mo" has the unit "Mo"; did you mean MB?'],
  [
    ['--budget', '2MB', '--format', 'q4_0'],
    2,
    '--budget chooses the formats itself; leave --format, --bits and --group out, or list those to choose from: --formats q4_0,q5_0',
  ],
  [['--budget', '2MB', '--formats', 'q4_0,q5_O'], 2, 'formats.1 is "q5_O", but must be'],
  [['--budget', '2MB', '--method', 'hqq'], 2, 'method is "hqq", but must be ("gptq" | "rtn")'],
  [
    ['--budget', '2MB'],
    2,
    'budget: what each weight is worth is measured on a text; give a calibration text (CLI: --calibrate FILE)',
  ],
  [
    ['--formats', 'q4_0', '--format', 'q4_0'],
    2,
    '--formats lists what a --budget may choose from; for one format say --format',
  ],
  [
    ['--budget', '1MB', '--formats', 'q4_0,int4:64', '--calibrate', '{text}'],
    1,
    'budget: 1MB (1000000 bytes) cannot be met: with the smallest formats the file takes 1622528 bytes (left out for some weights: int4 of 64: GGUF has no type for integers in groups). Set the size to at least 1.7MB, or offer smaller formats',
  ],
])('%j is refused', (argv, expected, message) =>
  inWork({ size: '2MB' }, async ({ folder, text: calibrate }) => {
    const out = join(folder, 'out.gguf')
    const { code, stderr } = await tessera([
      'optimize',
      tiny,
      out,
      ...argv.map((each) => each.replace('{text}', calibrate)),
    ])
    expect(stderr).toContain(message)
    expect(code).toBe(expected)
    expect(existsSync(out)).toBe(false)
  }),
)
