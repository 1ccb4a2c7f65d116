import type { Capabilities } from '@tessera-llm/tensor'
import { hasFeature, webgpuCapabilities } from '../capability/capabilities.ts'
import type { WebGpuPass } from '../kernel/kernel.ts'
import { formatConfig, matrixFeature, type StatedConfig } from './config.ts'
import source from './matrices.wgsl'
import partsSource from './parts.wgsl'

/** Constants and WGSL of a pass that multiplies subgroup matrices. */
export interface Matrices extends Required<Pick<WebGpuPass, 'enables' | 'aliases' | 'constants'>> {
  readonly M: number
  readonly N: number
  readonly K: number
  readonly componentBytes: number
  /** Number of parts that an f32 factor is split into, each multiplied: f16 has 11 of its 24 bits, two have 22. */
  readonly parts: number
  /**
   * Declare `Invocation`, the arrays `components` and `results` (of COMPONENTS and RESULTS elements), the matrices and
   * their operations, `part_of` and `scale_for`.
   */
  readonly fragments: readonly string[]
}

/** The largest verified matrices with factors of `component` and sums in f32, or the reason why there are none. */
export function matricesOf(capabilities: Capabilities, component: 'f16' | 'f32'): Matrices | string {
  const { languageFeatures, subgroupMatrixConfigs } = webgpuCapabilities(capabilities)
  if (!hasFeature(capabilities, matrixFeature)) return `the device was made without the feature ${matrixFeature}`
  if (!languageFeatures.includes('subgroup_id')) return 'the implementation does not number subgroups (subgroup_id)'
  const fitting = subgroupMatrixConfigs.filter(
    ({ componentType, resultComponentType }) => componentType === component && resultComponentType === 'f32',
  )
  const size = ({ M, N, K }: StatedConfig): number => M * N * K
  const [largest] = fitting.filter(({ verified }) => verified === true).sort((a, b) => size(b) - size(a))
  if (largest) return matricesFor(largest)
  const failed = fitting.map((config) => `${formatConfig(config)}: ${String(config.verified)}`)
  if (failed.length > 0) return `no matrices of ${component} that can be relied on (${failed.join('; ')})`
  return `this GPU multiplies no matrices of ${component} with sums in f32; it has ${subgroupMatrixConfigs.map(formatConfig).join('; ') || 'none at all'}`
}

/**
 * Matrices that hold the stored values (`what`, for messages) exactly: f16 if all are dense f16 (`isHalf`), otherwise
 * f32.
 */
export function exactMatricesOf(capabilities: Capabilities, isHalf: boolean, what: string): Matrices | string {
  const half = isHalf ? matricesOf(capabilities, 'f16') : `only dense ${what} of f16 are exact in f16`
  if (typeof half !== 'string') return half
  const exact = matricesOf(capabilities, 'f32')
  return typeof exact !== 'string' ? exact : isHalf ? half : `${half}, and for others: ${exact}`
}

export function matricesFor({ M, N, K, componentType }: StatedConfig): Matrices {
  const parts = componentType === 'f16' ? 2 : 1
  return {
    M,
    N,
    K,
    parts,
    componentBytes: componentType === 'f16' ? 2 : 4,
    enables: [...(componentType === 'f16' ? ['f16'] : []), 'subgroups', 'chromium_experimental_subgroup_matrix'],
    aliases: { component: componentType },
    constants: { M, N, K, PARTS: parts },
    fragments: [source, partsSource],
  }
}
