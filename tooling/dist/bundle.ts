import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build, type Rollup } from 'vite'

export interface Bundle {
  /** Minified and gzipped, all chunks together. */
  readonly gzipBytes: number
  /** Warnings of Vite, such as a Node module that it had to leave out. */
  readonly warnings: readonly string[]
  readonly code: string
}

/** Bundles all exports of one entry as a page would, with Vite, from the packages installed in `folder`. */
export async function bundleForBrowsers(
  folder: string,
  entry: string,
  external: readonly string[] = [],
): Promise<Bundle> {
  const place = join(folder, `bundle-${external.length}-${entry.replaceAll(/\W/g, '-')}`)
  mkdirSync(place, { recursive: true })
  writeFileSync(join(place, 'main.js'), `import * as everything from '${entry}'\nglobalThis.everything = everything\n`)
  const warnings: string[] = []
  const note = (message: string) => void warnings.push(message)
  const ignore = () => undefined
  const result = (await build({
    root: place,
    configFile: false,
    customLogger: {
      info: ignore,
      warn: note,
      warnOnce: note,
      error: note,
      clearScreen: ignore,
      hasErrorLogged: () => false,
      hasWarned: false,
    },
    build: {
      write: false,
      target: 'es2022',
      minify: 'esbuild',
      rollupOptions: {
        input: join(place, 'main.js'),
        external: (id) => external.some((name) => id === name || id.startsWith(`${name}/`)),
      },
    },
  })) as Rollup.RollupOutput
  const chunks = result.output.flatMap((part) => (part.type === 'chunk' ? [part.code] : []))
  return { gzipBytes: chunks.reduce((sum, code) => sum + gzipSync(code).length, 0), warnings, code: chunks.join('\n') }
}
