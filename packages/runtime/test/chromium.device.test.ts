import { fileURLToPath } from 'node:url'
import { bufferSource, readGguf } from '@tessera-llm/formats'
import { launchChromium, runInChromium } from '@tessera-tooling/swiftshader/chromium'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTokenizerFromGguf } from '../src/index.ts'
import type { PageOptions, PageResult } from './page.ts'
import { tinyGguf, tinyGolden } from './support/tiny.ts'

let browser: Awaited<ReturnType<typeof launchChromium>>
beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser?.close())

it.for([
  { place: 'page', device: 'webgpu', name: /^webgpu \(.*swiftshader.*software\)$/ },
  { place: 'worker', device: 'webgpu', name: /^webgpu \(.*swiftshader.*software\)$/ },
  { place: 'worker', device: 'wasm', name: /^wasm \(.*2 threads/ },
] as const)(
  'the tiny model writes its golden tokens on $device in headless Chromium ($place)',
  async ({ place, device, name }, { skip }) => {
    if (!browser) return skip('npm carries a Chromium for Linux on x64 only')
    const [prompt] = tinyGolden().prompts
    if (!prompt) throw new Error('the golden file has no prompts')
    const options: PageOptions = { place, device, model: '/tiny.gguf', ids: prompt.idsWithBos, maxTokens: 16 }
    const result = await runInChromium<PageResult>(
      browser,
      fileURLToPath(new URL('page.ts', import.meta.url)),
      options,
      { files: new Map([['/tiny.gguf', tinyGguf()]]) },
    )
    const ids = prompt.greedy.slice(0, 16)
    // The golden file has no text for the ids, so Node.js decodes them with the tokenizer, which has goldens of its
    // own.
    const { metadata } = await readGguf(bufferSource(tinyGguf(), 'tiny.gguf'))
    const text = createTokenizerFromGguf(metadata).decode(ids)
    expect(result).toEqual({ ids, text, device: expect.stringMatching(name), inWorker: place === 'worker' })
  },
)
