import { fileURLToPath } from 'node:url'
import { launchChromium, runInChromium } from '@tessera-tooling/swiftshader/chromium'
import { afterAll, beforeAll, expect, it } from 'vitest'

let browser: Awaited<ReturnType<typeof launchChromium>>
beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser?.close())

// The compiler of Node.js 20 has no instruction for these products; that of this Chromium has. One type of each way to
// store codes, with and without halves and offsets.
it('products of bytes that add to 32 bits conform in headless Chromium', async ({ skip }) => {
  if (!browser) return skip('npm carries a Chromium for Linux on x64 only')
  const page = fileURLToPath(new URL('../../test/dot-add-page.ts', import.meta.url))
  const types = ['q4_0', 'q4_1', 'q5_1', 'q8_0', 'q2_k', 'q3_k', 'q6_k', 'iq4_nl', 'iq4_xs', 'mxfp4', 'nvfp4']
  const { dotAdd, kernels, failures } = (await runInChromium(browser, page, types)) as {
    readonly dotAdd?: string
    readonly kernels: readonly string[]
    readonly failures: readonly string[]
  }
  expect(failures).toEqual([])
  if (dotAdd === undefined) return skip('this processor has no AVX-VNNI')
  expect(kernels).toEqual(['rows8-dot-add', 'rows8-exact', 'rows8-int8', 'rows8-w8a8-dot-add'])
})
