import { readFileSync } from 'node:fs'

const source = readFileSync(new URL('matrices.wgsl', import.meta.url), 'utf8')

/**
 * Rewrites a pass that multiplies matrices in subgroups for a GPU that cannot, with subgroups of `width` lanes. Numbers are f32; those
 * that would be f16 are rounded to it. Any other pass is returned as it is.
 */
export function emulateMatrices(pass, width) {
  if (!pass.enables?.includes('chromium_experimental_subgroup_matrix')) return pass
  const isHalf = pass.aliases?.component === 'f16'
  const declared = `const WIDTH = ${width}u;\nconst IS_HALF = ${isHalf};\n${source}`
  return {
    ...pass,
    enables: [],
    aliases: { ...pass.aliases, component: 'f32' },
    fragments: pass.fragments?.map((text) => (text.includes('subgroup_matrix_left') ? declared : text)),
  }
}
