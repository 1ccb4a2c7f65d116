import { vi } from 'vitest'

/** Output of a program: stdout and `console.log`, in order. */
export async function runExample(load: () => Promise<unknown>, ...argv: readonly string[]): Promise<string> {
  let printed = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text)
    return true
  })
  const quiet = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  const log = vi.spyOn(console, 'log').mockImplementation((line) => {
    printed += `${line}\n`
  })
  const before = process.argv
  process.argv = [...before.slice(0, 2), ...argv]
  try {
    await load()
    return printed
  } finally {
    process.argv = before
    for (const spy of [write, quiet, log]) spy.mockRestore()
  }
}
