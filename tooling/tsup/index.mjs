import { defineConfig } from 'tsup'

/**
 * The one place that names the bundler. JavaScript only: declarations come from tsc, because tsup's own are broken on
 * current TypeScript. `.wgsl` files become strings.
 * @param {string[]} entry
 */
export function defineLibrary(entry) {
  return defineConfig({ entry, format: 'esm', target: 'es2022', platform: 'neutral', dts: false, clean: true, sourcemap: true, loader: { '.wgsl': 'text' } })
}
