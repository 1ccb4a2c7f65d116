import { fileURLToPath } from 'node:url'
import { isTesseraError } from '@tessera-llm/tensor'
import { describe, expect, it } from 'vitest'
import type { Workload } from '../workload/index.ts'
import { startChild } from './child.ts'
import { UnavailableError } from './protocol.ts'

const script = (name: string): string => fileURLToPath(new URL(`../../test/children/${name}.mjs`, import.meta.url))
const workload: Workload = { kind: 'roof', id: 'roof-2t', title: 'a roof', threads: 2, metrics: [] }
const rude = (way: string, timeoutMs = 20_000) =>
  startChild({ name: 'rude', script: script('rude'), environment: { WAY: way }, timeoutMs })

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('startChild', () => {
  it('prepares, measures and closes through one line of JSON each, whatever else the child prints', async () => {
    const child = startChild({ name: 'polite', script: script('polite') })
    expect(await child.prepare(workload)).toEqual({ version: '1.2.3', settings: { threads: 2 } })
    expect(await child.measure()).toEqual({ figures: { rate: 42 } })
    expect(isAlive(child.pid)).toBe(true)
    await child.close()
    await expect.poll(() => isAlive(child.pid)).toBe(false)
  })

  it('passes on that a participant is not there, as its own kind of error', async () => {
    const child = rude('absent')
    const error = await child.prepare(workload).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(UnavailableError)
    expect((error as Error).message).toBe('run pnpm bench:setup')
    child.kill()
  })

  it('passes on what went wrong in the child', async () => {
    const child = rude('error')
    await child.prepare(workload)
    await expect(child.measure()).rejects.toThrow('rude failed to measure: Error: out of ideas')
    child.kill()
  })

  it('says how a child ended and what it said last', async () => {
    const child = rude('exit')
    await child.prepare(workload)
    const error = await child.measure().catch((thrown: unknown) => thrown)
    expect(isTesseraError(error, 'worker-lost')).toBe(true)
    expect((error as Error).message).toMatch(/rude ended with exit code 7\. Its last words: .*something terrible/s)
  })

  it('ends a child that stays silent', async () => {
    const child = rude('silence', 1500)
    await child.prepare(workload)
    await expect(child.measure()).rejects.toThrow('did not answer "measure" within 1.5 s')
    await expect.poll(() => isAlive(child.pid)).toBe(false)
  })
})
