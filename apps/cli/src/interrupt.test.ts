import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { tessera } from '../test/support/capture.ts'
import { tiny } from '../test/support/models.ts'
import { main } from './main.ts'
import { processIo } from './terminal/index.ts'

const onReference = ['--device', 'reference']
const endless = [
  'run',
  tiny,
  '-p',
  'The President',
  '--max-tokens',
  '200',
  '--ignore-eos',
  '--temperature',
  '0',
  ...onReference,
]

test('Ctrl-C while text is written: the line is finished, and the code is 130', async () => {
  let pieces = 0
  const { code, stdout, stderr } = await tessera(endless, {
    onStdout: (_piece, { interrupt }) => ++pieces === 3 && interrupt(),
  })
  expect(code).toBe(130)
  expect(stdout.endsWith('\n')).toBe(true)
  expect(stdout.length).toBeLessThan(60)
  expect(stderr.endsWith('tessera: interrupted\n')).toBe(true)
  expect(stderr).not.toContain('tok/s')
})

test('Ctrl-C while the prompt is read', async () => {
  const { code, stdout } = await tessera(
    ['logits', tiny, '--ids', Array.from({ length: 200 }, (_, index) => index).join(','), ...onReference],
    {
      onStderr: (piece, { interrupt }) => {
        if (piece.includes('of memory')) setTimeout(interrupt, 20)
      },
    },
  )
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
})

test('with --json an interrupted command prints no object', async () => {
  const { code, stdout } = await tessera([...endless, '--json'], {
    onStderr: (piece, { interrupt }) => {
      if (piece.includes('of memory')) setTimeout(interrupt, 20)
    },
  })
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
})

test('a reader that goes away, as in `| head`, ends the command quietly', async () => {
  let stderr = ''
  let written = 0
  const stdout = new Writable({
    write: (_chunk, _encoding, done) =>
      done(++written > 2 ? Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }) : undefined),
  })
  const code = await main(endless, {
    ...processIo(),
    stdout,
    stderr: new Writable({
      decodeStrings: false,
      write: (chunk: string, _encoding, done) => {
        stderr += chunk
        done()
      },
    }),
  })
  expect(code).toBe(0)
  expect(stderr).toMatch(/^\S+ needs .* of memory .*\n$/)
})

test('a reader of the notes that goes away ends nothing', async () => {
  let stdout = ''
  const stderr = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
  })
  const code = await main(['logits', tiny, '--ids', '0', '--top', '1', ...onReference], {
    ...processIo(),
    stdout: new Writable({
      write: (chunk, _encoding, done) => {
        stdout += chunk
        done()
      },
    }),
    stderr,
  })
  expect(code).toBe(0)
  expect(stdout).toContain('logsumexp')
})
