import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { tessera } from '../test/support/capture.ts'
import { tiny } from '../test/support/models.ts'

const commands = ['run', 'chat', 'eval', 'inspect', 'tokenize', 'embed', 'logits', 'optimize', 'verify', 'bench']

describe('help', () => {
  test('lists every command, on stdout', async () => {
    const { code, stdout, stderr } = await tessera(['--help'])
    expect([code, stderr]).toEqual([0, ''])
    for (const command of commands)
      expect(stdout).toContain(`tessera ${command} <${command === 'verify' ? 'receipt' : 'model'}>`)
    expect(stdout).toContain('Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted')
  })

  test.each(commands)('describes the options of %s', async (command) => {
    const { code, stdout } = await tessera([command, '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain(`tessera ${command} <${command === 'verify' ? 'receipt' : 'model'}>`)
    expect(stdout).toContain('--json')
  })

  test.each([
    ['run', 'int8 on wasm, f32 elsewhere'],
    ['chat', 'int8 on wasm, f32 elsewhere'],
    ['bench', 'int8 on wasm, f32 elsewhere'],
    ['eval', '"f32"'],
    ['logits', '"f32"'],
  ])('%s defaults to --activations %s and says what it costs', async (command, activations) => {
    const { stdout } = await tessera([command, '--help'])
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      `[choices: "f32", "int8", "int8-token", "int8-static", "int4-token"] [default: ${activations}]`,
    )
    expect(stdout.replace(/\s+/g, ' ')).toContain('may move perplexity by up to 0.5 %')
  })

  test('the version is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    expect(await tessera(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
  })
})

describe('wrong usage ends with 2, says why on stderr, and leaves stdout empty', () => {
  test.each([
    [[], 'name a command'],
    [['sing', tiny], 'there is no command sing; see tessera --help'],
    [['runn', tiny, '-p', 'x'], 'there is no command runn; did you mean run? See tessera --help'],
    [['run'], 'MODEL is missing; see tessera run --help'],
    [['optimize', tiny], 'OUTPUT is missing; see tessera optimize --help'],
    [['convert', tiny], 'OUT is missing'],
    [['verify'], 'RECEIPT is missing'],
    [['run', tiny, 'more', '-p', 'x'], 'unknown: more'],
    [['run', tiny, '-p', 'x', '--loud'], 'unknown: --loud; see tessera run --help'],
    [
      ['run', tiny, '-p', 'x', '--max-token', '3'],
      'unknown: --max-token; did you mean --max-tokens? See tessera run --help',
    ],
    [['eval', tiny, '--text', tiny, '--agianst=x'], 'unknown: --agianst; did you mean --against?'],
    [['run', tiny, '-p'], '-p needs a value'],
    [['run', tiny], 'give either -p TEXT or --ids 1,2,3'],
    [['run', tiny, '-p', 'x', '--ids', '1'], 'give either -p TEXT or --ids 1,2,3'],
    [['run', tiny, '--ids', '1,two'], '--ids must be token ids with commas between them (1,2,3), not "1,two"'],
    [['run', tiny, '-p', 'x', '--max-tokens', 'many'], '--max-tokens must be an integer of at least 0'],
    [['run', tiny, '-p', 'x', '--threads', '0'], '--threads must be an integer of at least 1'],
    [['run', tiny, '-p', 'x', '--seed', '-1'], '--seed must be an integer of at least 0'],
    [
      ['run', tiny, '-p', 'x', '--device', 'tpu'],
      '--device must not be "tpu" but one of "auto", "wasm", "webgpu", "reference"',
    ],
    [['run', tiny, '-p', 'x', '--activations', 'int4'], '--activations must not be "int4" but one of "f32", "int8"'],
    [['run', tiny, '-p', 'x', '--context', '100000'], '--context 100000 exceeds what the model allows, 256 tokens'],
    [['run', tiny, '-p', 'x', '--temperature', '-1', '--device', 'reference'], 'temperature'],
    [['run', 'missing.gguf', '-p', 'x', '--top-p', '3'], 'topP must be between 0 and 1'],
    [['chat', 'missing.gguf', '--min-p', 'none'], '--min-p must be a number'],
    [['run', 'hf:owner', '-p', 'x'], 'hf:'],
    [['eval', tiny], '--text is missing'],
    [['eval', tiny, '--text'], '--text needs a value'],
    [
      ['eval', tiny, '--text', tiny, '--protocol', 'third'],
      '--protocol must not be "third" but one of "second-half", "all"',
    ],
    [['eval', tiny, '--text', tiny, '--window', '2'], '--window must be an integer of at least 3'],
    [['logits', tiny], '--ids is missing'],
    [['tokenize', tiny], 'give either --text TEXT or --jsonl FILE'],
    [['embed', tiny], 'embed: give one of --text TEXT, --jsonl FILE and --ids 1,2,3'],
    [['tokenize', tiny, '--text', 'a', '--jsonl', 'b'], 'give either --text TEXT or --jsonl FILE'],
    [['bench', tiny, '--generate', '0'], '--generate must be an integer of at least 1'],
  ])('%j', async (argv, message) => {
    const { code, stdout, stderr } = await tessera(argv)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('unexpected error')
  })
})
