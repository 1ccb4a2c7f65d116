import { fileURLToPath } from 'node:url'
import { launchChromium, runInChromium } from '@tessera-tooling/swiftshader/chromium'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  argmaxProblems,
  embeddingProblems,
  gatedActivationProblems,
  linearProblems,
  rmsNormProblems,
  ropeProblems,
} from './problems/index.ts'

let browser: Awaited<ReturnType<typeof launchChromium>>
beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser?.close())

it('the ops of a llama layer conform in headless Chromium', async ({ skip }) => {
  if (!browser) return skip('npm carries a Chromium for Linux on x64 only')
  expect(await runInChromium(browser, fileURLToPath(new URL('page.ts', import.meta.url)), null)).toEqual({
    conforming: {
      argmax: argmaxProblems.length,
      embedding: embeddingProblems.length,
      'gated-activation': gatedActivationProblems.length,
      linear: linearProblems.length,
      'rms-norm': rmsNormProblems.length,
      rope: ropeProblems.length,
    },
    failures: [],
  })
})
