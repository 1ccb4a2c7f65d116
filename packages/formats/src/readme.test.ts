import { readFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'

test('the example of the README runs and prints what it says', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const example = await readFile(new URL('../test/readme-example.ts', import.meta.url), 'utf8')
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('../test/readme-example.ts')
  expect(log.mock.calls).toEqual([['example'], ['weight', [2, 3], 'f32', Float32Array.of(4, 5, 6)]])
  log.mockRestore()
})
