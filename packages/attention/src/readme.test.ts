import { readFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'

const read = (path: string): Promise<string> => readFile(new URL(`../${path}`, import.meta.url), 'utf8')

test('the README shows how heads are converted', async () => {
  expect(await read('README.md')).toContain(`\`\`\`ts\n${await read('test/readme-convert-heads.ts')}\`\`\``)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('../test/readme-convert-heads.ts')
  const [[numKvHeads, keys], [groups, queryOrder]] = log.mock.calls as [[number, number], [number[][], number[]]]
  expect([numKvHeads, keys]).toEqual([2, 2 * 16 * 64])
  expect(groups.map((group) => group.length)).toEqual([4, 4])
  expect(queryOrder).toEqual(groups.flat())
  log.mockRestore()
})

test('the README shows the example, which prints what it should', async () => {
  expect(await read('README.md')).toContain(`\`\`\`ts\n${await read('test/readme-example.ts')}\`\`\``)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('../test/readme-example.ts')
  expect(log.mock.calls).toEqual([
    [[1, 8, 100, 64], 'flash', true],
    [[1, 101, 8, 64], 131_072],
  ])
  log.mockRestore()
})

test('docs/attention.md names every option and every optional input of the contract', async () => {
  const [contract, docs] = [await read('src/attention/contract.ts'), await read('../../docs/attention.md')]
  const names = [...contract.matchAll(/^ {2}readonly (\w+)\?:/gm)]
    .map(([, name]) => name as string)
    .filter((name) => name !== 'lse')
  expect(names.length).toBeGreaterThan(14)
  for (const name of names) expect(docs, name).toContain(`\`${name}\``)
})

test('the README shows a step against the gradient, which lowers the loss', async () => {
  expect(await read('README.md')).toContain(`\`\`\`ts\n${await read('test/readme-gradients.ts')}\`\`\``)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('../test/readme-gradients.ts')
  expect(log.mock.calls).toEqual([[[1, 4, 100, 32], [1, 2, 100, 32], [1, 2, 100, 32], true]])
  log.mockRestore()
})
