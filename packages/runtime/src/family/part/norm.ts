import { layerNorm, rmsNorm } from '@tessera-llm/kernels'
import type { Tensor } from '@tessera-llm/tensor'

/** A normalisation over the last axis with its weights, f32. */
export type Norm =
  | { readonly kind: 'rms'; readonly weight: Tensor; readonly eps: number; readonly unitOffset: boolean }
  | { readonly kind: 'layer'; readonly weight: Tensor; readonly bias: Tensor | undefined; readonly eps: number }

export function normalize(x: Tensor, norm: Norm): Tensor {
  return norm.kind === 'rms' ? rmsNorm(x, norm.weight, { eps: norm.eps, unitOffset: norm.unitOffset }) : layerNorm(x, norm.weight, norm.bias, { eps: norm.eps })
}
