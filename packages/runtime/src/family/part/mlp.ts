import { activation, type ActivationKind, gatedActivation, hadamard } from '@tessera-llm/kernels'
import type { Tensor } from '@tessera-llm/tensor'
import { fusedGate } from './fused.ts'
import type { BlockInput } from './input.ts'
import type { BlockOptions } from './pass.ts'
import { type Projection, project } from './projection.ts'

/** The feed-forward block: `down(f(gate x) · up x)` with a gate (Shazeer 2020), else `down(f(up x))`. */
export interface Mlp {
  readonly gate?: Projection | undefined
  readonly up: Projection
  readonly down: Projection
  readonly activation: ActivationKind
  /** See `TransformerConfig`. */
  readonly downHadamard?: number | undefined
}

/** f32[T, D] → f32[T, D]; adds `residual` if given. */
export function feedForward(input: BlockInput, mlp: Mlp, options: BlockOptions, residual?: Tensor): Tensor {
  const inner = fusedGate(input, mlp, options) ?? innerOf(input.normed(), mlp, options)
  return project(
    mlp.downHadamard === undefined ? inner : hadamard(inner, { block: mlp.downHadamard }),
    mlp.down,
    options,
    residual,
  )
}

function innerOf(x: Tensor, { gate, up, activation: kind }: Mlp, options: BlockOptions): Tensor {
  return gate
    ? gatedActivation(project(x, gate, options), project(x, up, options), { kind })
    : activation(project(x, up, options), { kind })
}
