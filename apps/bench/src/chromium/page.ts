import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { launchChromium } from '@tessera-tooling/swiftshader/chromium'
import { peakBytesOfDescendants } from '../machine/index.ts'
import { UnavailableError } from '../participant/index.ts'

export interface ChromiumPage {
  /** Calls an exported function of the page's script with JSON and awaits JSON. */
  call<T>(name: string, argument?: unknown): Promise<T>
  /** Process ids of the page and its workers. */
  peakBytes(): number
  readonly version: string
  close(): Promise<void>
}

export interface PageOptions {
  /** The page's script, a JavaScript module. */
  readonly script: string
  /** Folders that the page may read, keyed by the first part of the path: `/peer/…`. */
  readonly folders: Readonly<Record<string, URL>>
  /** Single files that the page may read, by path. */
  readonly files?: Readonly<Record<string, string>>
}

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
}
const headers = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }

/**
 * Opens a cross-origin isolated page (shared memory, threads) in the headless Chromium from npm; it stays open until
 * `close`.
 */
export async function openPage({ script, folders, files = {} }: PageOptions): Promise<ChromiumPage> {
  const browser = await launchChromium()
  if (!browser) throw new UnavailableError('the Chromium that npm carries runs on Linux x64 only')
  const fileOf = (path: string): string | undefined => {
    if (path === '/page.js') return script
    if (files[path] !== undefined) return files[path]
    const [, first = '', ...rest] = path.split('/')
    const folder = folders[first]
    return folder && join(fileURLToPath(folder), normalize(`/${rest.join('/')}`))
  }
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
    if (path === '/')
      return void response
        .writeHead(200, { ...headers, 'content-type': 'text/html' })
        .end('<!doctype html><meta charset="utf-8"><title>bench</title>')
    const file = fileOf(path)
    const status = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false })
    if (file === undefined || !status?.isFile()) return void response.writeHead(404).end()
    response.writeHead(200, {
      ...headers,
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      'content-length': status.size,
    })
    createReadStream(file).pipe(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as { readonly port: number }
  const page = await browser.newPage()
  page.on('console', (message) => void process.stderr.write(`chromium: ${message.text()}\n`))
  await page.goto(`http://127.0.0.1:${address.port}/`)
  return {
    // As text, so that no compiler rewrites the import.
    call: <T>(name: string, argument?: unknown) =>
      page.evaluate(
        `import('/page.js').then((page) => page[${JSON.stringify(name)}](${JSON.stringify(argument) ?? 'undefined'}))`,
      ) as Promise<T>,
    peakBytes: () => peakBytesOfDescendants(process.pid, '--type=renderer'),
    version: `Chromium ${browser.version()}`,
    async close() {
      await browser.close()
      server.close()
      server.closeAllConnections()
    },
  }
}
