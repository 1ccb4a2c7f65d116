import type { Tensor } from '@tessera-llm/tensor'
import { type Norm, normalize } from './norm.ts'
import type { LayerPass } from './pass.ts'

/** Input of a block: x and the norm before the block, if there is one. */
export interface BlockInput {
  /** f32[T, D]. */
  readonly x: Tensor
  readonly norm: Norm | undefined
  /** The normalized x, computed and reported on the first call: fused ops take x and the norm instead. */
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
