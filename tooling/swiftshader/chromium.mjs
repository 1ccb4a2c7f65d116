import { createServer } from 'node:http'
import { build } from 'esbuild'
import { chromium as playwright } from 'playwright-core'
import { unpackSwiftShader } from './index.mjs'

/** Headless Chromium of this version offers WebGPU on SwiftShader with these, and relaxed SIMD and threads as every browser. */
const webgpuArguments = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan', '--ignore-gpu-blocklist']

/** Starts the Chromium that npm carries (Linux on x64 only: undefined elsewhere). The caller closes it. */
export async function launchChromium() {
  if (!unpackSwiftShader()) return undefined
  const { default: chromium } = await import('@sparticuz/chromium')
  const kept = chromium.args.filter((argument) => !/^--(use-gl|use-angle|disable-gpu|in-process-gpu|single-process|enable-features|disable-features)/.test(argument))
  return playwright.launch({ executablePath: await chromium.executablePath(), args: [...kept, ...webgpuArguments], headless: true })
}

/** What a server sends with every answer for shared memory to work. */
const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }

/**
 * Bundles a TypeScript module, serves it as /bundle.js to a page of its own (cross-origin isolated unless `headers` say otherwise),
 * awaits its exported function `run(argument)` there and returns the JSON that it gives. What the page logs as an error goes to stderr.
 */
export async function runInChromium(browser, entry, argument, { files = new Map(), timeoutMs = 240_000, headers = isolation, conditions = ['@tessera-llm/source'] } = {}) {
  const bundle = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions,
    // Branches for Node, behind dynamic imports that a page does not reach.
    external: ['node:*'],
    loader: { '.wgsl': 'text' },
    logLevel: 'silent',
  })
  const script = bundle.outputFiles[0].contents
  const server = createServer((request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname
    const send = (type, body) => response.writeHead(200, { ...headers, 'content-type': type }).end(body)
    if (path === '/') send('text/html', '<!doctype html><meta charset="utf-8"><title>test</title>')
    else if (path === '/bundle.js') send('text/javascript', script)
    else if (files.has(path)) send(path.endsWith('.js') ? 'text/javascript' : 'application/octet-stream', files.get(path))
    else response.writeHead(404).end()
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    page.setDefaultTimeout(timeoutMs)
    page.on('console', (message) => message.type() === 'error' && process.stderr.write(`chromium: ${message.text()}\n`))
    await page.goto(`http://127.0.0.1:${server.address().port}/`)
    // As text: a test runner would rewrite the import in a function.
    return await page.evaluate(`import('/bundle.js').then((module) => module.run(${JSON.stringify(argument) ?? 'undefined'}))`)
  } finally {
    await context.close()
    server.close()
    server.closeAllConnections()
  }
}
