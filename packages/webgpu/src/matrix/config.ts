/** A subgroup matrix product that a GPU offers: M × K times K × N. JSON, like all capabilities. */
export type SubgroupMatrixConfig = {
  readonly M: number
  readonly N: number
  readonly K: number
  /** Type of both factors, and of the sum: `f32`, `f16`, `i8` and so on. */
  readonly componentType: string
  readonly resultComponentType: string
  /**
   * True if products of known matrices were correct on this device; otherwise what was wrong, or why it was not tested.
   */
  readonly verified: true | string
}

/** Configuration as the adapter reports it. */
export type StatedConfig = Omit<SubgroupMatrixConfig, 'verified'>

/** Dawn's name of the feature until it is part of WebGPU. */
export const matrixFeature = 'chromium-experimental-subgroup-matrix'

/** Configurations that the adapter reports; empty if it has no such property. */
export function statedConfigs({ info }: GPUAdapter): readonly StatedConfig[] {
  const stated = (info as GPUAdapterInfo & { readonly subgroupMatrixConfigs?: Iterable<StatedConfig> })
    .subgroupMatrixConfigs
  return [...(stated ?? [])].map(({ M, N, K, componentType, resultComponentType }) => ({
    M,
    N,
    K,
    componentType,
    resultComponentType,
  }))
}

/** `true`, or the reason why kernels cannot use a configuration. */
export function isUsable({ M, N, K, componentType, resultComponentType }: StatedConfig): true | string {
  if (componentType !== 'f16' && componentType !== 'f32') return `no kernel multiplies matrices of ${componentType}`
  if (resultComponentType !== 'f32') return `sums in ${resultComponentType} lose too many digits`
  if ([M, N, K].some((size) => size !== 8 && size !== 16)) return 'kernels take sizes of 8 and 16'
  return true
}

/** `16 × 16 × 16 of f16, summed in f32`, for messages. */
export function formatConfig({ M, N, K, componentType, resultComponentType }: StatedConfig): string {
  return `${M} × ${N} × ${K} of ${componentType}, summed in ${resultComponentType}`
}
