import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { launchChromium, runInChromium } from '@tessera-tooling/swiftshader/chromium'
import { expect, test } from 'vitest'

const place = (path: string): URL => new URL(`../${path}`, import.meta.url)

test('the README shows an example for browsers, which computes in headless Chromium', async ({ skip }) => {
  expect(await readFile(place('README.md'), 'utf8')).toContain(
    `\`\`\`ts\n${await readFile(place('test/readme-browser-example.ts'), 'utf8')}\`\`\``,
  )
  const browser = await launchChromium()
  if (!browser) return skip('npm carries a Chromium for Linux on x64 only')
  try {
    // sin 0, sin 1 and sin 4.
    expect(await runInChromium(browser, fileURLToPath(place('test/readme-browser-page.ts')), null)).toBe(
      '[1,8,100,64] on webgpu, beginning with 0.000, 0.841, -0.757',
    )
  } finally {
    await browser.close()
  }
})
