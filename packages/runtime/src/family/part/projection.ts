import { linear, type RoundingOptions } from '@tessera-llm/kernels'
import type { Tensor, Weight } from '@tessera-llm/tensor'
import type { BlockOptions } from './pass.ts'

/** A linear layer, with the name under which its input is reported. */
export interface Projection {
  /** `layers.3.mlp.down` */
  readonly name: string
  readonly weight: Weight
  readonly bias: Tensor | undefined
  /** Scale of its input for static activations; undefined if the checkpoint has none. */
  readonly inputScale?: number | undefined
}

/**
 * Rounding options of a layer. The scale is passed only if the rounding needs it, so that calls of all layers, and the
 * data that devices keep for a call, stay the same.
 */
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
