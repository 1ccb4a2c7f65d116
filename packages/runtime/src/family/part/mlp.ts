import { activation, type ActivationKind, gatedActivation } from '@tessera-llm/kernels'
import type { Tensor } from '@tessera-llm/tensor'
import type { BlockOptions } from './pass.ts'
import { type Projection, project } from './projection.ts'

/** The feed-forward block: gated (`down(f(gate x) · up x)`; Shazeer 2020) where there is a gate, else `down(f(up x))`. */
export interface Mlp {
  readonly gate?: Projection | undefined
  readonly up: Projection
  readonly down: Projection
  readonly activation: ActivationKind
}

/** x f32[T, D] → f32[T, D], plus `residual` where given. */
export function feedForward(x: Tensor, { gate, up, down, activation: kind }: Mlp, options: BlockOptions, residual?: Tensor): Tensor {
  const inner = gate ? gatedActivation(project(x, gate, options), project(x, up, options), { kind }) : activation(project(x, up, options), { kind })
  return project(inner, down, options, residual)
}
