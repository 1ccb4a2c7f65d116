import { fileURLToPath } from 'node:url'
import { launchChromium, runInChromium } from '@tessera-tooling/swiftshader/chromium'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { rawPackers } from './index.ts'

let browser: Awaited<ReturnType<typeof launchChromium>>
beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser?.close())

it('packed weights conform in headless Chromium', async ({ skip }) => {
  if (!browser) return skip('npm carries a Chromium for Linux on x64 only')
  const types = rawPackers('webgpu').map(({ source }) => source)
  expect(await runInChromium(browser, fileURLToPath(new URL('../test/page.ts', import.meta.url)), types)).toEqual({
    kernels: types.flatMap((type) => [`gather-${type}`, `gemv-${type}`, `tiled-${type}`]).sort(),
    failures: [],
  })
})
