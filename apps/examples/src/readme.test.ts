import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'

test('the README of the repository shows this example, which streams a text', async () => {
  const example = readFileSync(new URL('./readme-example.ts', import.meta.url), 'utf8')
  expect(readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')).toContain(`\`\`\`ts\n${example}\`\`\``)
  const pieces: string[] = []
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => pieces.push(String(text)) > 0)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  try {
    await import('./readme-example.ts')
  } finally {
    write.mockRestore()
  }
  expect(pieces.join('').length).toBeGreaterThan(60)
  expect(log.mock.calls).toEqual([[expect.stringMatching(/^\n\d+ tokens\/s on wasm/)]])
  log.mockRestore()
})
