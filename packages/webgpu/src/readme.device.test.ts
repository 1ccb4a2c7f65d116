import { readFile } from 'node:fs/promises'
import { useSwiftShader } from '@tessera-tooling/swiftshader'
import { expect, test, vi } from 'vitest'

const read = (path: string): Promise<string> => readFile(new URL(`../${path}`, import.meta.url), 'utf8')

test('the README shows the example and its kernel, which print what they should', async () => {
  const readme = await read('README.md')
  for (const path of ['test/readme-example.ts', 'test/readme-kernel.ts'])
    expect(readme).toContain(`\`\`\`ts\n${await read(path)}\`\`\``)
  if (process.env['TESSERA_GPU'] !== 'system') useSwiftShader()
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('../test/readme-example.ts')
  expect(log.mock.calls).toEqual([[Float32Array.of(2, 4, 6)], [Float32Array.of(10, 70, 30)]])
  log.mockRestore()
})
