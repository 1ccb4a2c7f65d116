import { expect } from 'vitest'
import { tessera } from './capture.ts'

export const onReference = ['--device', 'reference']

/** The object that a command prints with `--json`: one line, with nothing else on stdout. */
export async function json(...argv: string[]): Promise<{ result: Record<string, unknown>; stderr: string }> {
  const { code, stdout, stderr } = await tessera([...argv, '--json'])
  expect(code, stderr).toBe(0)
  expect(stdout.endsWith('}\n')).toBe(true)
  expect(stdout.trimEnd()).not.toContain('\n')
  return { result: JSON.parse(stdout) as Record<string, unknown>, stderr }
}

/** Matches the memory that a command prints that a model needs. */
export const statedMemory =
  /needs [\d.]+ MiB of memory \(weights [\d.]+ MiB, cache [\d.]+ [KM]iB at \d+ tokens, buffers [\d.]+ [KM]iB\)/
