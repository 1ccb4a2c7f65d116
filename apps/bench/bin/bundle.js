import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Bundles `src/<entry>.ts` with the present sources of all packages into `dist/<entry>.js` and returns that path: what is measured is
 * never a stale build.
 */
export async function bundle(entry) {
  const isPage = entry.startsWith('pages/')
  const outfile = join(root, 'dist', `${entry}.js`)
  await build({
    entryPoints: [join(root, 'src', `${entry}.ts`)],
    outfile,
    bundle: true,
    platform: isPage ? 'browser' : 'node',
    format: 'esm',
    target: 'es2023',
    conditions: ['@tessera-llm/source'],
    loader: { '.wgsl': 'text' },
    external: ['@tessera-tooling/*', 'webgpu'],
    sourcemap: 'inline',
    logLevel: 'silent',
  })
  return outfile
}
