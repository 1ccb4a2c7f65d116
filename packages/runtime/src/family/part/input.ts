import type { Tensor } from '@tessera-llm/tensor'
import { type Norm, normalize } from './norm.ts'
import type { LayerPass } from './pass.ts'

/** What a block computes on: x after the norm before the block, where there is one. */
export interface BlockInput {
  /** f32[T, D]. */
  readonly x: Tensor
  readonly norm: Norm | undefined
  /** The normalised x, computed and reported when it is first asked for: fused ops take x and the norm instead. */
  normed(): Tensor
}

export function blockInput(x: Tensor, norm: Norm | undefined, name: string, pass: LayerPass): BlockInput {
  let normed: Tensor | undefined
  return {
    x,
    norm,
    normed() {
      if (!norm) return x
      if (!normed) {
        normed = normalize(x, norm)
        pass.report(name, normed)
      }
      return normed
    },
  }
}
