import { readFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { ggmlBlockTypes, ggmlPackers } from './index.ts'

const read = (path: string): Promise<string> => readFile(new URL(`../${path}`, import.meta.url), 'utf8')

test('the README shows how a weight is quantized and decoded', async () => {
  expect(await read('README.md')).toContain(`\`\`\`ts\n${await read('test/quantize-example.ts')}\`\`\``)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('../test/quantize-example.ts')
  const [bytes, values] = log.mock.calls.map((line) =>
    line.map((part) => (ArrayBuffer.isView(part) ? [...(part as Uint8Array)] : part)),
  )
  log.mockRestore()
  // Row 0 is −32 … −1: the scale is −32 / −8 = 4 (0x4400), and −16, the value beside −32 in the first byte, is code 4.
  expect(bytes).toEqual([36, [0x00, 0x44, 0x40, 0x40]])
  expect(values).toEqual([[-32, -32, -28, -28]])
})

test('the README shows the example, which prints what it should', async () => {
  expect(await read('README.md')).toContain(`\`\`\`ts\n${await read('test/readme-example.ts')}\`\`\``)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('../test/readme-example.ts')
  const [[id, bytes, exact, rounded] = []] = log.mock.calls
  log.mockRestore()
  expect([id, bytes, exact]).toEqual(['q4_0/rows8', 288, 48])
  expect(Math.abs(Number(rounded) - 48)).toBeLessThan(0.01)
})

test('the README shows the example of the methods, where GPTQ loses less than rounding', async () => {
  expect(await read('README.md')).toContain(`\`\`\`ts\n${await read('test/methods-example.ts')}\`\`\``)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('../test/methods-example.ts')
  const [nearest = Number.NaN, calibrated = Number.NaN] = log.mock.calls.map(([line]) =>
    Number.parseFloat(String(line)),
  )
  log.mockRestore()
  expect(nearest).toBeGreaterThan(1)
  expect(calibrated).toBeLessThan(nearest / 3)
})

test('the README names every block type, and those that the devices compute with', async () => {
  const readme = await read('README.md')
  for (const { id } of ggmlBlockTypes) expect(readme).toContain(`\`${id}\``)
  const sources = (kind: string): readonly string[] =>
    ggmlPackers.filter(({ device }) => device === kind).map(({ source }) => source)
  const computed = /compute with (.*?),? are/
    .exec(readme)?.[1]
    ?.match(/`[a-z0-9_]+`/g)
    ?.map((name) => name.slice(1, -1))
  expect(computed?.toSorted()).toEqual(sources('wasm').toSorted())
  expect(sources('webgpu').toSorted()).toEqual(sources('wasm').toSorted())
})
