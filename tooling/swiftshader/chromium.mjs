import { chromium as playwright } from 'playwright-core'
import { unpackSwiftShader } from './index.mjs'
import { servePage } from './page-server.mjs'

/**
 * Headless Chromium of this version offers WebGPU on SwiftShader with these, and relaxed SIMD and threads as every
 * browser.
 */
const webgpuArguments = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--ignore-gpu-blocklist',
]

/** Starts the Chromium from npm (undefined except on Linux x64). The caller closes it. */
export async function launchChromium() {
  if (!unpackSwiftShader()) return undefined
  const { default: chromium } = await import('@sparticuz/chromium')
  const kept = chromium.args.filter(
    (argument) =>
      !/^--(use-gl|use-angle|disable-gpu|in-process-gpu|single-process|enable-features|disable-features)/.test(
        argument,
      ),
  )
  return playwright.launch({
    executablePath: await chromium.executablePath(),
    args: [...kept, ...webgpuArguments],
    headless: true,
  })
}

/**
 * Bundles a TypeScript module, serves it as /bundle.js to its own page (cross-origin isolated unless `headers` say
 * otherwise), awaits its exported function `run(argument)` there and returns the JSON result. Errors that the page logs
 * go to stderr.
 */
export async function runInChromium(browser, entry, argument, { timeoutMs = 240_000, ...served } = {}) {
  const server = await servePage(entry, served)
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    page.setDefaultTimeout(timeoutMs)
    page.on('console', (message) => message.type() === 'error' && process.stderr.write(`chromium: ${message.text()}\n`))
    await page.goto(server.url)
    // As text: a test runner would rewrite the import in a function.
    return await page.evaluate(
      `import('/bundle.js').then((module) => module.run(${JSON.stringify(argument) ?? 'undefined'}))`,
    )
  } finally {
    await context.close()
    server.close()
  }
}
