import { linear } from '@tessera-llm/kernels'
import type { Tensor, Weight } from '@tessera-llm/tensor'
import type { BlockOptions } from './pass.ts'

/** A linear layer, by the name under which its input can be observed. */
export interface Projection {
  /** `layers.3.mlp.down` */
  readonly name: string
  readonly weight: Weight
  readonly bias: Tensor | undefined
}

/** `x · weightᵀ + bias + residual`; reports its input as `<name>.input`. */
export function project(x: Tensor, { name, weight, bias }: Projection, { activations, observe }: BlockOptions, residual?: Tensor): Tensor {
  observe?.(`${name}.input`, x)
  return linear(x, weight, { activations, bias, residual })
}
