import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { inFolder, tiny, tinyGolden, tinyWith } from './support/models.ts'

const command = fileURLToPath(new URL('../bin/tessera.js', import.meta.url))
const javascript = new URL('../../../tooling/bootstrap/javascript.mjs', import.meta.url)

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end; `meanwhile` is called with each piece of its stdout. */
function start(
  file: string,
  argv: readonly string[],
  meanwhile: (process: ChildProcess, stdout: string) => void = () => {},
  stdin?: string,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, argv, { stdio: 'pipe' })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (piece: Buffer) => {
      stdout += piece.toString()
      meanwhile(child, stdout)
    })
    child.stderr.on('data', (piece: Buffer) => {
      stderr += piece.toString()
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
    child.stdin.end(stdin ?? '')
  })
}

const tessera = (
  argv: readonly string[],
  meanwhile?: (process: ChildProcess, stdout: string) => void,
  stdin?: string,
): Promise<Ended> => start(process.execPath, [command, ...argv], meanwhile, stdin)

describe('the built command', () => {
  beforeAll(async () => {
    const build = `const { buildJavaScript } = await import(${JSON.stringify(javascript.href)}); await buildJavaScript('@tessera-llm/cli')`
    const { code, stderr } = await start(process.execPath, ['--input-type=module', '--eval', build])
    expect(code, stderr).toBe(0)
  })

  test('continues a text on WebAssembly with the golden tokens, on as many threads as asked for', async () => {
    const [golden] = (await tinyGolden()).prompts
    for (const threads of ['1', '2']) {
      const { code, stdout, stderr } = await tessera([
        'run',
        tiny,
        '-p',
        golden?.text ?? '',
        '--temperature',
        '0',
        '--max-tokens',
        '8',
        '--activations',
        'f32',
        '--threads',
        threads,
        '--json',
      ])
      expect(code, stderr).toBe(0)
      expect((JSON.parse(stdout) as { ids: number[] }).ids).toEqual(golden?.greedy.slice(0, 8))
      expect(stderr).toMatch(/on wasm \(\d thread/)
    }
  })

  test('ends with 0, 1 and 2', async () => {
    expect(await tessera(['--version'])).toMatchObject({ code: 0, stderr: '' })
    expect(await tessera(['run', '/no/such/model.gguf', '-p', 'x'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'tessera: there is no file or folder /no/such/model.gguf\n',
    })
    expect(await tessera(['run', tiny])).toMatchObject({ code: 2, stdout: '' })
  })

  test.each(['wasm', 'reference'])(
    'Ctrl-C in mid-generation on %s: the line is finished, the code is 130, and nothing keeps the process alive',
    async (device) => {
      let sent = false
      const { code, signal, stdout, stderr } = await tessera(
        ['run', tiny, '-p', 'Once', '--ignore-eos', '--max-tokens', '250', '--device', device],
        (child) => {
          if (!sent) child.kill('SIGINT')
          sent = true
        },
      )
      expect({ code, signal }).toEqual({ code: 130, signal: null })
      expect(stdout.endsWith('\n')).toBe(true)
      expect(stderr.endsWith('tessera: interrupted\n')).toBe(true)
    },
  )

  test.skipIf(process.platform === 'win32')(
    '`| head` ends it quietly (skipped on Windows, whose shell has no head)',
    async () => {
      const { code, stdout, stderr } = await start('bash', [
        '-c',
        '"$0" "$1" run "$2" -p Once --seed 1 --ignore-eos --max-tokens 250 --device reference | head -c 5; echo; echo $PIPESTATUS',
        process.execPath,
        command,
        tiny,
      ])
      expect(code).toBe(0)
      expect(stdout.slice(5)).toBe('\n0\n')
      expect(stderr).toMatch(/^\S+ needs .*\n$/)
    },
  )

  test('chats through a pipe', () =>
    inFolder(async (folder) => {
      const model = join(folder, 'chat.gguf')
      await tinyWith(model, [
        [
          'tokenizer.chat_template',
          { type: 'string', value: '{% for message in messages %}{{ message.content }}\n{% endfor %}' },
        ],
      ])
      const { code, stdout, stderr } = await tessera(
        ['chat', model, '--temperature', '0', '--max-tokens', '4', '--json'],
        undefined,
        'Good morrow\n',
      )
      expect(code, stderr).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({
        messages: [{ role: 'user', content: 'Good morrow' }, { role: 'assistant' }],
      })
    }))

  test('measures perplexity and speed', () =>
    inFolder(async (folder) => {
      const text = join(folder, 'text.txt')
      await writeFile(text, 'The President of the United States is the head of the Government. '.repeat(20))
      const measured = await tessera(['eval', tiny, '--text', text, '--window', '64', '--windows', '2', '--json'])
      expect(measured.code, measured.stderr).toBe(0)
      expect(JSON.parse(measured.stdout)).toMatchObject({ tokens: 62, nll: [expect.any(Number), expect.any(Number)] })
      const timed = await tessera(['bench', tiny, '--prompt', '32', '--generate', '8', '--repeat', '1', '--json'])
      expect(timed.code, timed.stderr).toBe(0)
      expect(Object.keys(JSON.parse(timed.stdout) as object)).toEqual([
        'promptTokensPerSecond',
        'decodeTokensPerSecond',
        'loadMs',
        'peakRssBytes',
      ])
    }))

  test('makes a model smaller, and what its receipt says can be verified', () =>
    inFolder(async (folder) => {
      const smaller = join(folder, 'smaller.gguf')
      const made = await tessera(['optimize', tiny, smaller, '--recipe', 'q8_0', '--json'])
      expect(made.code, made.stderr).toBe(0)
      expect(JSON.parse(made.stdout)).toMatchObject({
        output: { path: smaller },
        versions: { tessera: expect.stringMatching(/^\d+\.\d+\.\d+/) },
      })
      const verified = await tessera(['verify', `${smaller}.receipt.json`])
      expect(verified.code, verified.stderr).toBe(0)
    }))

  test.each(['out.gguf', 'out'])(
    'killed in the middle of making %s: what was there is whole, and the next run goes on and makes the same bytes',
    (name) =>
      inFolder(async (folder) => {
        const [out, undisturbed, text, recipe] = [
          join(folder, name),
          join(folder, `undisturbed-${name}`),
          join(folder, 'text.txt'),
          join(folder, 'recipe.json'),
        ]
        await writeFile(
          text,
          'The President of the United States is the head of the Government. Call me Ishmael. '.repeat(40),
        )
        const format = name.endsWith('.gguf') ? 'q4_0' : { bits: 4, group: 32 }
        await writeFile(
          recipe,
          JSON.stringify({
            calibration: { windows: 4, window: 64 },
            steps: [
              { kind: 'awq' },
              { kind: 'quantize', targets: ['layers.0.**', 'layers.1.**'], method: 'gptq', format },
            ],
          }),
        )
        const makes = (path: string): string[] => ['optimize', tiny, path, '--recipe', recipe, '--calibrate', text]
        const old = await tessera([
          'optimize',
          tiny,
          out,
          '--method',
          'rtn',
          ...(name.endsWith('.gguf') ? ['--format', 'q8_0'] : ['--bits', '8', '--group', '32']),
        ])
        expect(old.code, old.stderr).toBe(0)
        expect((await tessera(makes(undisturbed))).code).toBe(0)
        const before = await contentsOf(out)

        const child = spawn(process.execPath, [command, ...makes(out)], { stdio: 'ignore' })
        const ended = new Promise<NodeJS.Signals | null>((resolve) =>
          child.on('close', (_code, signal) => resolve(signal)),
        )
        // Waits until some weights are done and others are not.
        while (
          child.exitCode === null &&
          (await readdir(`${out}.work`).catch(() => [])).filter((file) => /^layers.*\.part$/.test(file)).length < 4
        )
          await new Promise((resolve) => setTimeout(resolve, 5))
        child.kill('SIGKILL')
        expect(await ended).toBe('SIGKILL')
        expect(await contentsOf(out)).toEqual(before)

        const again = await tessera(makes(out))
        expect(again.code, again.stderr).toBe(0)
        expect(again.stderr).toMatch(/went on from \S+\.work: \d+ of 14 weights were done/)
        expect(await contentsOf(out)).toEqual(await contentsOf(undisturbed))
        expect((await readdir(folder)).filter((file) => /\.work$|\.part$/.test(file))).toEqual([])
      }),
  )
})

/** The SHA-256 of a file, or of every file of a folder. */
async function contentsOf(path: string): Promise<Record<string, string>> {
  const names = (await stat(path)).isDirectory() ? (await readdir(path)).sort() : ['']
  return Object.fromEntries(
    await Promise.all(
      names.map(
        async (name) =>
          [
            name,
            createHash('sha256')
              .update(await readFile(join(path, name)))
              .digest('hex'),
          ] as const,
      ),
    ),
  )
}
