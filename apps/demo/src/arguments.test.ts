import { expect, test } from 'vitest'
import { runDemo } from '../test/capture.ts'
import { parseArguments } from './arguments.ts'

test('nothing is needed', () => {
  expect(parseArguments([])).toEqual({ model: undefined, prompt: undefined, maxTokens: undefined })
  expect(parseArguments(['--model', 'a.gguf', '--prompt', 'Hi', '--max-tokens', '3'])).toEqual({
    model: 'a.gguf',
    prompt: 'Hi',
    maxTokens: 3,
  })
})

test.each([
  [['--max-tokens', '0'], /--max-tokens must be an integer of at least 1, not "0"/],
  [['--max-tokens', 'many'], /not "many"/],
  [['--max-tokens', '1.5'], /not "1.5"/],
  [['--model'], /--model/],
  [['--model', ''], /--model must not be empty/],
  [['--modell', 'x'], /--modell/],
  [['model.gguf'], /model\.gguf/],
])('%j is refused, with the usage', async (argv, reason) => {
  const { code, stdout, stderr } = await runDemo(argv)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(reason)
  expect(stderr).toContain('npm run demo -- --model PATH')
  expect(stderr).not.toContain('    at ')
})

test('--help says how to start it', async () => {
  const { code, stdout } = await runDemo(['--help'])
  expect(code).toBe(0)
  expect(stdout).toContain('--max-tokens N')
})

test('a model that is not there is one line', async () => {
  const { code, stdout, stderr } = await runDemo(['--model', 'no/such.gguf'])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toBe('demo: there is no file or folder no/such.gguf; a model of the hub is written hf:no/such.gguf\n')
})
