import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const moduleUrl = pathToFileURL(join(import.meta.dirname, 'in-turn.mjs')).href
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-in-turn-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A program that logs when it begins and ends its turn, and how it ended. */
async function program(work: string): Promise<number | null> {
  const code = `
    import { appendFileSync } from 'node:fs'
    import { setTimeout } from 'node:timers/promises'
    import { inTurn } from ${JSON.stringify(moduleUrl)}
    const log = (line) => appendFileSync(${JSON.stringify(join(folder, 'log'))}, line + '\\n')
    await inTurn(${JSON.stringify(join(folder, 'lock'))}, async () => { log('begin'); ${work}; log('end') })`
  const [status] = (await once(
    spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' }),
    'close',
  )) as [number | null]
  return status
}
const log = (): string[] => readFileSync(join(folder, 'log'), 'utf8').trim().split('\n')

test('programs take turns', async () => {
  expect(await Promise.all(Array.from({ length: 3 }, () => program('await setTimeout(150)')))).toEqual([0, 0, 0])
  expect(log()).toEqual(['begin', 'end', 'begin', 'end', 'begin', 'end'])
  expect(existsSync(join(folder, 'lock'))).toBe(false)
})

test.each([
  ['fails', `throw new Error('no')`, 1],
  ['ends the process', 'process.exit(3)', 3],
  ['is killed', `process.kill(process.pid, 'SIGKILL')`, null],
])('after a program that %s the next has its turn', async (_, work, status) => {
  expect(await program(work)).toBe(status)
  expect(await program('')).toBe(0)
  expect(log()).toEqual(['begin', 'begin', 'end'])
})

test('a lock that nobody wrote a name into is taken over when it is old', async () => {
  const lock = join(folder, 'lock')
  writeFileSync(lock, '')
  const longAgo = new Date(Date.now() - 60_000)
  utimesSync(lock, longAgo, longAgo)
  expect(await program('')).toBe(0)
})
