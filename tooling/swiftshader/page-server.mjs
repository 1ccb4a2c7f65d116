import { createServer } from 'node:http'
import { build } from 'esbuild'

/** Headers that enable shared memory. */
const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
const emptyPage = '<!doctype html><meta charset="utf-8"><title>test</title>'

/**
 * Bundles a TypeScript module for browsers and serves, on this machine alone, an empty page (or `html`), the bundle as
 * /bundle.js, and `files` by their paths. What a page posts to /report goes to `onReport`.
 */
export async function servePage(
  entry,
  {
    files = new Map(),
    headers = isolation,
    conditions = ['@tessera-llm/source'],
    html = emptyPage,
    onReport = () => {},
  } = {},
) {
  const bundle = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions,
    // Node branches behind dynamic imports, which a page does not reach.
    external: ['node:*'],
    loader: { '.wgsl': 'text' },
    logLevel: 'silent',
  })
  const script = bundle.outputFiles[0].contents
  const server = createServer((request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname
    const send = (type, body) => response.writeHead(200, { ...headers, 'content-type': type }).end(body)
    if (request.method === 'POST' && path === '/report') {
      let body = ''
      request.on('data', (piece) => {
        body += piece
      })
      request.on('end', () => {
        send('text/plain', '')
        onReport(body)
      })
    } else if (path === '/') send('text/html', html)
    else if (path === '/bundle.js') send('text/javascript', script)
    else if (files.has(path))
      send(path.endsWith('.js') ? 'text/javascript' : 'application/octet-stream', files.get(path))
    else response.writeHead(404).end()
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
