import { fileURLToPath } from 'node:url'
import { launchChromium, runInChromium } from '@tessera-tooling/swiftshader/chromium'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { rawPackers } from './index.ts'

let browser: Awaited<ReturnType<typeof launchChromium>>
beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser?.close())

// One of each kind of layout, which is what a browser's compiler could see differently; in Node.js all types run
// (`webgpu.device.test.ts`).
const kinds: readonly string[] = ['q4_0', 'q5_1', 'q8_0', 'q2_k', 'q6_k', 'iq4_nl', 'tq1_0', 'mxfp4']

it('packed weights conform in headless Chromium', async ({ skip }) => {
  if (!browser) return skip('npm carries a Chromium for Linux on x64 only')
  const types = rawPackers('webgpu')
    .map(({ source }) => source)
    .filter((source) => kinds.includes(source))
  expect(types).toHaveLength(kinds.length)
  expect(await runInChromium(browser, fileURLToPath(new URL('../test/page.ts', import.meta.url)), types)).toEqual({
    kernels: types.flatMap((type) => [`gather-${type}`, `gemv-${type}`, `tiled-${type}`]).sort(),
    failures: [],
  })
})
