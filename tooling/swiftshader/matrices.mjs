import { readFileSync } from 'node:fs'

const source = readFileSync(new URL('matrices.wgsl', import.meta.url), 'utf8')

/**
 * Rewrites a pass that multiplies matrices in subgroups for a GPU that cannot, with subgroups of `width` lanes. Numbers
 * are f32; those that would be f16 are rounded to it. Any other pass is returned as it is.
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

/**
 * Capabilities of a GPU that multiplies matrices of these configurations in subgroups of `width` lanes, and has
 * `memory` bytes for a workgroup; in all else as given.
 */
export function withMatrices(
  capabilities,
  { configs, width = 32, memory = capabilities.limits.maxComputeWorkgroupStorageSize },
) {
  return {
    ...capabilities,
    features: [...capabilities.features, 'chromium-experimental-subgroup-matrix'],
    languageFeatures: [...capabilities.languageFeatures, 'subgroup_id'],
    subgroupMinSize: width,
    subgroupMaxSize: width,
    subgroupMatrixConfigs: configs,
    limits: { ...capabilities.limits, maxComputeWorkgroupStorageSize: memory },
  }
}

/** The kernel as such a GPU would choose and size it; computing on one without matrices, where `isEmulated`. */
export function kernelWithMatrices(kernel, gpu, isEmulated) {
  const passes = (problem, capabilities) => kernel.passes(problem, withMatrices(capabilities, gpu))
  return {
    ...kernel,
    supports: (problem, capabilities) => kernel.supports(problem, withMatrices(capabilities, gpu)),
    passes: isEmulated
      ? (problem, capabilities) => passes(problem, capabilities).map((pass) => emulateMatrices(pass, gpu.width ?? 32))
      : passes,
  }
}

const verified = (M, N, K, componentType) => ({ M, N, K, componentType, resultComponentType: 'f32', verified: true })

export const ofF32 = verified(8, 8, 8, 'f32')
export const ofF16 = verified(16, 16, 16, 'f16')
/** Fewer rows than columns, as some GPUs have, and more. */
export const ofWideF16 = verified(8, 16, 16, 'f16')
export const ofNarrowF16 = verified(16, 8, 16, 'f16')
