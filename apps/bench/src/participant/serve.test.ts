import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { Workload } from '../workload/index.ts'
import { parseReply, type Participant, UnavailableError } from './protocol.ts'
import { serve } from './serve.ts'

const workload: Workload = { kind: 'roof', id: 'roof-1t', title: 'a roof', threads: 1, metrics: [] }

async function converse(participant: Participant, lines: readonly object[]): Promise<readonly unknown[]> {
  const input = new PassThrough()
  const output = new PassThrough()
  input.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  await serve(participant, input, output)
  output.end()
  let text = ''
  for await (const part of output) text += String(part)
  return text
    .split('\n')
    .map(parseReply)
    .filter((reply) => reply !== undefined)
}

describe('serve', () => {
  it('answers each request and stops at close', async () => {
    const participant: Participant = {
      prepare: async ({ id }) => ({ version: id, settings: {} }),
      measure: async () => ({ figures: { rate: 1 } }),
      close: async () => {},
    }
    expect(
      await converse(participant, [
        { id: 1, call: 'prepare', workload },
        { id: 2, call: 'measure' },
        { id: 3, call: 'close' },
        { id: 4, call: 'measure' },
      ]),
    ).toEqual([
      { id: 1, result: { version: 'roof-1t', settings: {} } },
      { id: 2, result: { figures: { rate: 1 } } },
      { id: 3, result: null },
    ])
  })

  it('tells what is not there from what broke', async () => {
    const participant: Participant = {
      prepare: async () => {
        throw new UnavailableError('not installed')
      },
      measure: async () => {
        throw new Error('broke')
      },
      close: async () => {},
    }
    const [absent, broken] = (await converse(participant, [
      { id: 1, call: 'prepare', workload },
      { id: 2, call: 'measure' },
    ])) as readonly { error: string; isUnavailable: boolean }[]
    expect(absent?.isUnavailable).toBe(true)
    expect(absent?.error).toContain('UnavailableError: not installed')
    expect(broken?.isUnavailable).toBe(false)
    expect(broken?.error).toContain('Error: broke')
  })
})
