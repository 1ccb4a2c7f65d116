import { fileURLToPath } from 'node:url'
import { launchChromium, runInChromium } from '@tessera-tooling/swiftshader/chromium'
import { afterAll, beforeAll, expect, it } from 'vitest'

let browser: Awaited<ReturnType<typeof launchChromium>>
beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser?.close())

// The compiler of Node.js 20 has no instruction for these products; that of this Chromium has.
it('attention over packed caches by products of bytes conforms in headless Chromium', async ({ skip }) => {
  if (!browser) return skip('npm carries a Chromium for Linux on x64 only')
  const page = fileURLToPath(new URL('dot-add-page.ts', import.meta.url))
  const { dotAdd, count, failures } = (await runInChromium(browser, page, undefined)) as {
    readonly dotAdd?: string
    readonly count: number
    readonly failures: readonly string[]
  }
  expect(failures).toEqual([])
  expect(count).toBeGreaterThan(30)
  if (dotAdd === undefined) return skip('this processor has no AVX-VNNI')
  expect(dotAdd).toBe('unsigned')
})
