import { existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Receipt } from '@tessera-llm/optimize'
import { expect, test } from 'vitest'
import { tessera } from '../../test/support/capture.ts'
import { inFolder, tiny } from '../../test/support/models.ts'

const text =
  'The President of the United States is the head of the Government, and of the people. Congress shall make no law respecting it. '

/** Calls `use` with a folder that holds two texts and a recipe whose windows fit the tiny model. */
function inWork<T>(
  use: (paths: {
    readonly out: string
    readonly calibrate: string
    readonly evaluate: string
    readonly recipe: string
  }) => Promise<T>,
): Promise<T> {
  return inFolder(async (folder) => {
    const paths = {
      out: join(folder, 'out.gguf'),
      calibrate: join(folder, 'calibrate.txt'),
      evaluate: join(folder, 'evaluate.txt'),
      recipe: join(folder, 'recipe.json'),
    }
    await writeFile(paths.calibrate, text.repeat(8))
    await writeFile(paths.evaluate, text.repeat(4))
    await writeFile(
      paths.recipe,
      JSON.stringify({
        name: 'test',
        calibration: { windows: 2, window: 48 },
        steps: [{ kind: 'quantize', targets: 'layers.1.mlp.*', method: 'gptq', format: 'q4_0' }],
      }),
    )
    return use(paths)
  })
}

test('a recipe becomes a smaller file with a receipt, and verify finds the same bytes', () =>
  inWork(async ({ out, calibrate, evaluate, recipe }) => {
    const { code, stdout, stderr } = await tessera([
      'optimize',
      tiny,
      out,
      '--recipe',
      recipe,
      '--calibrate',
      calibrate,
      '--evaluate',
      evaluate,
      '--window',
      '32',
      '--windows',
      '2',
    ])
    expect(code, stderr).toBe(0)
    expect(stderr).toMatch(/ {2}mlp +18 tensors {2}3\.4 MiB → 3\.0 MiB\n/)
    expect(stdout).toMatch(
      /out\.gguf: 5\.3 MiB → 4\.9 MiB in [\d.]+ s\nperplexity [\d.]+ → [\d.]+, divergence [\d.e-]+ ± [\d.e-]+, the same most likely token in [\d.]+ % of 62 places\ndecode/,
    )
    const receipt = JSON.parse(await readFile(`${out}.receipt.json`, 'utf8')) as Receipt
    expect(receipt).toMatchObject({
      receipt: 1,
      seed: 0,
      recipe: { name: 'test' },
      calibration: { windows: 2, window: 48 },
      output: { bytes: (await stat(out)).size },
      quality: { windows: 2, tokens: 62 },
      bytes: { mlp: { tensors: 18 } },
    })
    expect(receipt.device.kernels).toContain('add-product: panels')
    expect(receipt.quality?.kld).toBeGreaterThan(1e-6)
    expect(existsSync(`${out}.work`)).toBe(false)

    const again = await tessera(['verify', `${out}.receipt.json`])
    expect(again.stdout, again.stderr).toMatch(/^verified: the same \d+ bytes/)

    await writeFile(
      `${out}.receipt.json`,
      JSON.stringify({ ...receipt, output: { ...receipt.output, sha256: '0'.repeat(64) } }),
    )
    expect((await tessera(['verify', `${out}.receipt.json`])).stdout).toMatch(
      /^verified within two standard errors: other bytes/,
    )
    await writeFile(
      `${out}.receipt.json`,
      JSON.stringify({
        ...receipt,
        output: { ...receipt.output, sha256: '0'.repeat(64) },
        quality: { ...receipt.quality, kld: 3 },
      }),
    )
    expect(await tessera(['verify', `${out}.receipt.json`])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('other bytes came out, and the quality differs'),
    })
    await writeFile(calibrate, text.repeat(9))
    expect(await tessera(['verify', `${out}.receipt.json`])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is another file than the receipt was made with'),
    })
  }))

test('a recipe for the cache copies the weights; its receipt says what the cache costs, and verify measures that again', () =>
  inWork(async ({ out, evaluate }) => {
    await writeFile(evaluate, text.repeat(20))
    const { code, stdout, stderr } = await tessera([
      'optimize',
      tiny,
      out,
      '--recipe',
      'kv-int4',
      '--evaluate',
      evaluate,
      '--window',
      '200',
      '--windows',
      '2',
    ])
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/\ncache of 199 tokens: [\d.]+ KiB → [\d.]+ KiB\n/)
    const receipt = JSON.parse(await readFile(`${out}.receipt.json`, 'utf8')) as Receipt
    expect(receipt).toMatchObject({
      recipe: { name: 'kv-int4', cache: { format: 'int4' } },
      quality: { tokens: 398, cacheBytes: { original: expect.any(Number), compressed: expect.any(Number) } },
    })
    for (const { before, after } of Object.values(receipt.bytes)) expect(after).toBe(before)
    expect(receipt.device.kernels).toContain('kv-store: rows')
    expect(receipt.quality?.kld).toBeGreaterThan(1e-6)
    const again = await tessera(['verify', `${out}.receipt.json`])
    expect(again.stdout, again.stderr).toMatch(/^verified within two standard errors: the same bytes, divergence/)
    await writeFile(`${out}.receipt.json`, JSON.stringify({ ...receipt, quality: { ...receipt.quality, kld: 3 } }))
    expect(await tessera(['verify', `${out}.receipt.json`])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the same bytes came out, and the quality differs'),
    })
  }))

test('heads are merged by what they are on the text before the other steps, and again by verify', () =>
  inWork(async ({ out, calibrate, recipe }) => {
    await writeFile(
      recipe,
      JSON.stringify({
        calibration: { windows: 2, window: 48 },
        steps: [
          { kind: 'convert-heads', numKvHeads: 1, method: 'principal' },
          { kind: 'quantize', targets: '**.key', method: 'gptq', format: 'q8_0' },
        ],
      }),
    )
    const without = await tessera(['optimize', tiny, out, '--recipe', recipe])
    expect(without).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        'convert-heads by principal looks at activations and needs a calibration text; give one (CLI: --calibrate FILE)',
      ),
    })
    const { code, stderr } = await tessera(['optimize', tiny, out, '--recipe', recipe, '--calibrate', calibrate])
    expect(code, stderr).toBe(0)
    const inspected = await tessera(['inspect', out])
    expect(inspected.stdout).toContain('llama: 6 layers, width 192, 6 query and 1 KV heads of 32')
    const again = await tessera(['verify', `${out}.receipt.json`])
    expect(again.stdout, again.stderr).toMatch(/^verified: the same \d+ bytes/)
  }))

test('inputs of down that the model transforms: the plan, the file, inspect and the receipt say so', () =>
  inWork(async ({ out, evaluate, recipe }) => {
    await writeFile(
      recipe,
      JSON.stringify({
        steps: [
          { kind: 'rotate', down: true },
          { kind: 'quantize', method: 'rtn', format: 'q8_0' },
        ],
      }),
    )
    const told =
      'multiplies the inputs of every mlp.down by Hadamard matrices of the order 512 when it runs; other programs do not know that, and refuse the file'
    expect((await tessera(['optimize', tiny, out, '--recipe', recipe, '--dry-run'])).stderr).toContain(told)
    const { code, stderr } = await tessera([
      'optimize',
      tiny,
      out,
      '--recipe',
      recipe,
      '--evaluate',
      evaluate,
      '--window',
      '32',
      '--windows',
      '2',
    ])
    expect(code, stderr).toBe(0)
    expect(stderr).toContain(told)
    const receipt = JSON.parse(await readFile(`${out}.receipt.json`, 'utf8')) as Receipt
    expect(receipt).toMatchObject({
      recipe: { steps: [{ kind: 'rotate', down: true }, {}] },
      notes: [expect.stringContaining(told)],
    })
    expect(receipt.device.kernels).toContain('hadamard: butterflies')
    // The loss of rounding to 8 bits; inputs without the rotation that the weights have would lose several nats.
    expect(receipt.quality?.kld).toBeLessThan(0.002)
    expect((await tessera(['inspect', out])).stdout).toContain(
      'inputs of every down are multiplied by Hadamard matrices of the order 512 when it runs',
    )
    expect(JSON.parse((await tessera(['inspect', out, '--json'])).stdout)).toMatchObject({
      config: { downHadamard: 512 },
    })
  }))

test('--dry-run says what every tensor becomes, and computes nothing', () =>
  inWork(async ({ out }) => {
    const { code, stdout } = await tessera(['optimize', tiny, out, '--format', 'q8_0', '--dry-run', '--json'])
    expect(code).toBe(0)
    const plan = JSON.parse(stdout) as {
      tensors: { name: string; after: object }[]
      bytesBefore: number
      bytesAfter: number
    }
    expect(plan.tensors.find(({ name }) => name === 'layers.1.attention.key')).toMatchObject({
      before: { format: 'f16' },
      after: { format: 'q8_0' },
      method: 'rtn',
    })
    expect(plan.bytesAfter).toBeLessThan(plan.bytesBefore)
    expect(existsSync(out)).toBe(false)
  }))

test.each([
  ['--recipe', 'q4_k_m'],
  ['--format', 'q4_k_m'],
])('%s %s is a mixed type of llama.cpp: the plan and inspect show the types, verify finds the same bytes', (...argv) =>
  inWork(async ({ out }) => {
    const { code, stderr } = await tessera(['optimize', tiny, out, ...argv])
    expect(code, stderr).toBe(0)
    expect(stderr).toContain('q4_k_m: 37 of 43 matrices have rows that are no whole blocks')
    const { stdout: inspected } = await tessera(['inspect', out])
    for (const line of [/ q8_0 +3 tensors/, / q5_0 +34 tensors/, / q4_k +4 tensors/, / q6_k +2 tensors/])
      expect(inspected).toMatch(line)
    const again = await tessera(['verify', `${out}.receipt.json`])
    expect(again.stdout, again.stderr).toMatch(/^verified: the same \d+ bytes/)
  }),
)

test.each([
  [[], 2, 'say what is to be done: --recipe FILE, --format q4_0, --bits 4 --group 64, or --budget 60MB'],
  [['--format', 'q4_O'], 2, 'format is "q4_O", but must be'],
  [
    ['--format', 'q4_0', '--bits', '4'],
    2,
    '--format names a ggml type, --bits and --group integers in groups; give one of the two',
  ],
  [['--format', 'q4_0', '--method', 'gptq'], 2, 'this recipe looks at activations and needs a calibration text'],
  [['--format', 'q4_k_m', '--method', 'hqq'], 2, 'method is "hqq", but must be ("rtn" | "gptq")'],
  [['--bits', '4', '--group', '32'], 1, 'for which GGUF has no type'],
  [['--recipe', '/no/such.json'], 1, '--recipe: /no/such.json cannot be read'],
])('%j is refused', (argv, expected, message) =>
  inWork(async ({ out }) => {
    const { code, stderr } = await tessera(['optimize', tiny, out, ...argv])
    expect(stderr).toContain(message)
    expect(code).toBe(expected)
    expect(existsSync(out)).toBe(false)
  }),
)

test('a recipe with an unknown key is refused with the nearest known one; an output that cannot be written leaves nothing', () =>
  inWork(async ({ out, recipe }) => {
    await writeFile(recipe, '{"steps":[{"kind":"quantize","method":"rtn","fromat":"q4_0"}]}')
    expect((await tessera(['optimize', tiny, out, '--recipe', recipe])).stderr).toContain('did you mean format?')
    const { code, stderr } = await tessera(['optimize', tiny, '/no/such/folder/out.gguf', '--format', 'q4_0'])
    expect([code, stderr]).toEqual([1, expect.stringContaining('there is no folder /no/such/folder; make it')])
  }))
