import { fileURLToPath } from 'node:url'
import { launchChromium, runInChromium } from '@tessera-tooling/swiftshader/chromium'
import { afterAll, beforeAll, expect, it } from 'vitest'

let browser: Awaited<ReturnType<typeof launchChromium>>
beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser?.close())

it('runs, replays and reports its loss in headless Chromium', async ({ skip }) => {
  if (!browser) return skip('npm carries a Chromium for Linux on x64 only')
  const result = await runInChromium(browser, fileURLToPath(new URL('../../test/page.ts', import.meta.url)), [1, 2, 3])
  expect(result).toEqual({
    architecture: 'swiftshader',
    isolated: true,
    eager: [3, 5, 7],
    replayed: [
      [3, 6, 9],
      [30, 6, 9],
    ],
    created: 0,
    submits: 1,
    lost: 'device-lost',
  })
})
