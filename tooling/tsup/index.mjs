import { wgslText } from './wgsl.mjs'

/**
 * The one place that names the bundler's options. JavaScript only: declarations come from tsc, because tsup's own are
 * broken on current TypeScript. `.wgsl` files become strings without comments.
 * @param {string[]} entry
 * @returns {import('tsup').Options}
 */
export function defineLibrary(entry) {
  return {
    entry,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    skipNodeModulesBundle: true,
    dts: false,
    clean: true,
    sourcemap: true,
    esbuildPlugins: [wgslText],
  }
}
