import { add, layerNorm, rmsNorm } from '@tessera-llm/kernels'
import type { Tensor } from '@tessera-llm/tensor'

/** A normalisation over the last axis with its weights, f32. */
export type Norm =
  | { readonly kind: 'rms'; readonly weight: Tensor; readonly eps: number; readonly unitOffset: boolean }
  | { readonly kind: 'layer'; readonly weight: Tensor; readonly bias: Tensor | undefined; readonly eps: number }

/** Normalizes x; adds `residual` if given. */
export function normalize(x: Tensor, norm: Norm, residual?: Tensor): Tensor {
  if (norm.kind === 'rms') return rmsNorm(x, norm.weight, { eps: norm.eps, unitOffset: norm.unitOffset, residual })
  const normed = layerNorm(x, norm.weight, norm.bias, { eps: norm.eps })
  return residual ? add(residual, normed) : normed
}
