import { expect, test } from 'vitest'
import { Kept, runDemo } from '../test/capture.ts'
import { main } from './main.ts'

test('Ctrl-C in mid-sentence ends the line and the demo', async () => {
  const { code, stdout, stderr } = await runDemo(['--max-tokens', '200'], (piece, interrupt) => {
    if (piece.includes('country')) interrupt()
  })
  expect({ code, stderr }).toEqual({ code: 130, stderr: 'demo: interrupted\n' })
  expect(stdout).toMatch(/── WebAssembly on all cores: .*\nOur country has.*\n$/s)
  expect(stdout).not.toContain('tok/s')
})

test('a reader that goes away, as in `| head`, ends the demo quietly', async () => {
  const stderr = new Kept()
  let pieces = 0
  const stdout = new Kept()
  stdout._write = (_chunk: string, _encoding: string, done: (error?: Error) => void) =>
    done(++pieces > 12 ? Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }) : undefined)
  expect(await main([], { stdout, stderr, env: {}, onInterrupt: () => () => {} })).toBe(0)
  expect(stderr.text).toBe('')
})
