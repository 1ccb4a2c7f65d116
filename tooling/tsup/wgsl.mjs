import { readFile } from 'node:fs/promises'

/**
 * WGSL without comments, indentation and empty lines, which readers of the source need and a browser need not download.
 * @param {string} source
 * @returns {string}
 */
export function condenseWgsl(source) {
  // WGSL has no string literals, so `//` always starts a comment.
  return source
    .split('\n')
    .map((line) => line.replace(/\/\/.*/, '').trim())
    .filter((line) => line !== '')
    .join('\n')
}

/**
 * `.wgsl` files become strings, condensed.
 * @type {import('esbuild').Plugin}
 */
export const wgslText = {
  name: 'wgsl-text',
  setup(build) {
    build.onLoad({ filter: /\.wgsl$/ }, async ({ path }) => ({
      contents: condenseWgsl(await readFile(path, 'utf8')),
      loader: 'text',
    }))
  },
}
