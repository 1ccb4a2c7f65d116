import { fileURLToPath } from 'node:url'
import { workerScript } from '@tessera-llm/wasm'
import { launchChromium, runInChromium } from '@tessera-tooling/swiftshader/chromium'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { compute, type WasmPageOptions, type WasmPageResult } from './wasm-page.ts'

let browser: Awaited<ReturnType<typeof launchChromium>>
beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser?.close())

const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
/** Policy of a careful page: own files and WebAssembly only, no script or worker from a blob. */
const policy = {
  'content-security-policy': "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'",
}

describe('WebAssembly in headless Chromium', () => {
  const open = async (
    skip: TestContext['skip'],
    options: WasmPageOptions,
    headers: Readonly<Record<string, string>>,
  ): Promise<WasmPageResult> => {
    if (!browser) return skip('npm carries a Chromium for Linux on x64 only')
    const files = new Map([['/tessera-worker.js', new TextEncoder().encode(workerScript)]])
    return runInChromium(browser, fileURLToPath(new URL('wasm-page.ts', import.meta.url)), options, { headers, files })
  }

  it.for([false, true])(
    'computes on two threads in a worker of an isolated page, to the bits of Node.js (relaxed SIMD %s)',
    async (relaxedSimd, { skip }) => {
      const node = await compute({ threads: 1, relaxedSimd })
      expect(node.bits).toHaveLength(5 * 72)
      const page = await open(skip, { place: 'worker', threads: 2, relaxedSimd }, isolation)
      expect(page).toMatchObject({ isolated: true, threads: 2, sharedMemory: true, relaxedSimd })
      // Node.js 20 has relaxed SIMD behind a flag.
      if (node.relaxedSimd === relaxedSimd) expect(page.bits).toEqual(node.bits)
    },
  )

  it('computes on the page itself, which must not sleep', async ({ skip }) => {
    const page = await open(skip, { place: 'page', threads: 2, relaxedSimd: false }, isolation)
    expect(page).toMatchObject({
      isolated: true,
      threads: 2,
      sharedMemory: true,
      bits: (await compute({ threads: 1, relaxedSimd: false })).bits,
    })
  })

  it('falls back to one thread and unshared memory without isolation, to the same bits', async ({ skip }) => {
    const page = await open(skip, { place: 'worker', relaxedSimd: false }, {})
    expect(page).toMatchObject({
      isolated: false,
      threads: 1,
      sharedMemory: false,
      bits: (await compute({ threads: 1, relaxedSimd: false })).bits,
    })
  })

  it('says which headers bring more threads', async ({ skip }) => {
    const { error } = await open(skip, { place: 'worker', threads: 2 }, {})
    expect(error).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('Cross-Origin-Embedder-Policy: require-corp'),
    })
  })

  it('says what to do where a content security policy forbids blob workers, and runs with workerUrl', async ({
    skip,
  }) => {
    const headers = { ...isolation, ...policy }
    const { error } = await open(skip, { place: 'worker', threads: 2 }, headers)
    expect(error).toMatchObject({ code: 'worker-lost', message: expect.stringContaining('workerUrl') })
    const page = await open(
      skip,
      { place: 'worker', threads: 2, relaxedSimd: false, workerUrl: '/tessera-worker.js' },
      headers,
    )
    expect(page).toMatchObject({
      threads: 2,
      sharedMemory: true,
      bits: (await compute({ threads: 1, relaxedSimd: false })).bits,
    })
  })

  it('does not wait for a worker script that is not there', async ({ skip }) => {
    const { error } = await open(skip, { place: 'worker', threads: 2, workerUrl: '/missing.js' }, isolation)
    expect(error?.code).toBe('worker-lost')
  })
})
