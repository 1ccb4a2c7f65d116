import type { Capabilities } from '@tessera-llm/tensor'
import { type SubgroupMatrixConfig, type WebGpuKernel, webgpuCapabilities } from '@tessera-llm/webgpu'
import { emulateMatrices } from '@tessera-tooling/swiftshader/matrices'
import { flashMatrixWebgpu } from '../../src/webgpu.ts'

export const ofF32: SubgroupMatrixConfig = { M: 8, N: 8, K: 8, componentType: 'f32', resultComponentType: 'f32', verified: true }
export const ofF16: SubgroupMatrixConfig = { M: 16, N: 16, K: 16, componentType: 'f16', resultComponentType: 'f32', verified: true }
/** Fewer rows than columns, as some GPUs have. */
export const ofWideF16: SubgroupMatrixConfig = { ...ofF16, M: 8 }
export const ofNarrowF16: SubgroupMatrixConfig = { ...ofF16, N: 8 }

export interface MatrixGpu {
  readonly configs: readonly SubgroupMatrixConfig[]
  /** Lanes of a subgroup, 32 when absent. */
  readonly width?: number
  /** Bytes of memory that a workgroup has, when not as many as there are. */
  readonly memory?: number | undefined
}

/** The capabilities of such a GPU, in all else as given. */
export function withMatrices(capabilities: Capabilities, { configs, width = 32, memory }: MatrixGpu): Capabilities {
  const { features, languageFeatures, limits } = webgpuCapabilities(capabilities)
  return {
    ...capabilities,
    features: [...features, 'chromium-experimental-subgroup-matrix'],
    languageFeatures: [...languageFeatures, 'subgroup_id'],
    subgroupMinSize: width, subgroupMaxSize: width, subgroupMatrixConfigs: configs,
    limits: { ...limits, maxComputeWorkgroupStorageSize: memory ?? limits.maxComputeWorkgroupStorageSize },
  }
}

/** The kernel as such a GPU would choose and size it, computing on one without matrices. */
export function emulatedFlashMatrix(gpu: MatrixGpu): WebGpuKernel {
  return {
    ...flashMatrixWebgpu,
    supports: (problem, capabilities) => flashMatrixWebgpu.supports(problem, withMatrices(capabilities, gpu)),
    passes: (problem, capabilities) => flashMatrixWebgpu.passes(problem, withMatrices(capabilities, gpu)).map((pass) => emulateMatrices(pass, gpu.width ?? 32)),
  }
}
