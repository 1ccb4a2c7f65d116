import { linear, type RoundingOptions } from '@tessera-llm/kernels'
import type { Tensor, Weight } from '@tessera-llm/tensor'
import type { BlockOptions } from './pass.ts'

/** A linear layer, by the name under which its input can be observed. */
export interface Projection {
  /** `layers.3.mlp.down` */
  readonly name: string
  readonly weight: Weight
  readonly bias: Tensor | undefined
  /** Of its input, for static activations; undefined where the checkpoint has none. */
  readonly inputScale?: number | undefined
}

/** How a layer rounds its input. Calls that need no scale are not told it: they are the same for all layers then, and so is what devices keep of them. */
export function roundingOf(activations: BlockOptions['activations'], inputScale: number | undefined): RoundingOptions {
  return activations === 'int8-static' ? { activations, inputScale } : { activations }
}

/** `x · weightᵀ + bias + residual`; reports its input as `<name>.input`. */
export function project(
  x: Tensor,
  { name, weight, bias, inputScale }: Projection,
  { activations, observe }: BlockOptions,
  residual?: Tensor,
): Tensor {
  observe?.(`${name}.input`, x)
  return linear(x, weight, { ...roundingOf(activations, inputScale), bias, residual })
}
