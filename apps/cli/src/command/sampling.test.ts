import { expect, test } from 'vitest'
import { tessera } from '../../test/support/capture.ts'
import { tiny } from '../../test/support/models.ts'

const prompt = ['run', tiny, '-p', 'The President of the', '--max-tokens', '12', '--device', 'reference']

async function write(...argv: string[]): Promise<{ readonly text: string; readonly stderr: string }> {
  const { code, stdout, stderr } = await tessera([...prompt, ...argv])
  expect(code, stderr).toBe(0)
  return { text: stdout, stderr }
}

test('without a seed one is drawn and said, and gives the same text again', async () => {
  const first = await write('--temperature', '2')
  const [, seed = ''] = /--seed (\d+)/.exec(first.stderr) ?? []
  expect(await write('--temperature', '2', '--seed', seed)).toMatchObject({ text: first.text })
  const second = await write('--temperature', '2')
  expect(/--seed (\d+)/.exec(second.stderr)?.[1]).not.toBe(seed)
})

test('a seed that was given, and greedy decoding, say none', async () => {
  expect((await write('--temperature', '1', '--seed', '3')).stderr).not.toContain('--seed')
  expect((await write('--temperature', '0')).stderr).not.toContain('--seed')
})

test('a stop text ends the answer before it', async () => {
  const { text } = await write('--temperature', '0')
  const words = text.trim().split(' ')
  const stop = ` ${words[3]}`
  const stopped = await write('--temperature', '0', '--stop', 'no such text', '--stop', stop)
  expect(stopped.text.trimEnd()).toBe(text.slice(0, text.indexOf(stop)).trimEnd())
  expect(stopped.stderr).toContain('(stop)')
})

test('penalties and typical sampling reach the sampler, which checks them', async () => {
  const greedy = await write('--temperature', '0')
  expect((await write('--temperature', '0', '--frequency-penalty', '50')).text).not.toBe(greedy.text)
  expect((await write('--temperature', '0', '--presence-penalty', '50')).text).not.toBe(greedy.text)
  const { code, stderr } = await tessera([...prompt, '--typical-p', '2'])
  expect(code).toBe(2)
  expect(stderr).toContain('typicalP')
})
