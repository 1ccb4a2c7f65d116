import {
  dense,
  formatShape,
  type Op,
  rowsOf,
  sizeOf,
  type Tensor,
  TesseraError,
  type Weight,
} from '@tessera-llm/tensor'
import { type ActivationKind, activationFunctions, activationKinds } from '../activation/functions.ts'
import { checkChoice } from '../check/index.ts'
import {
  checkFused,
  checkFusedWeight,
  type FusedInputs,
  type FusedOptions,
  fusedTolerance,
  linearReference,
  normedInput,
} from '../fused-input/index.ts'

/** Inputs of `gatedLinear`: x f32[…, K], norm f32[K], gate and up [N, K] dense or packed. */
export type GatedLinearInputs = FusedInputs & { readonly gate: Weight; readonly up: Weight }

/** Outputs of `gatedLinear`: y f32[…, N]. */
export type GatedLinearOutputs = { readonly y: Tensor }

/** Options of `gatedLinear`: the activation function, the norm, and the rounding of the projections' input. */
export type GatedLinearOptions = FusedOptions & { readonly kind: ActivationKind }

/**
 * First half of a gated MLP (Shazeer 2020, arXiv 2002.05202) with the RMSNorm before it: `n = rmsNorm(x, norm)`, or x
 * without a norm; `y = f(n · gateᵀ) · (n · upᵀ)`. x f32[…, K], weights [N, K] dense or packed → y f32[…, N]. With
 * `activations` other than `f32`, n is rounded, as in `qkv-linear`.
 */
export const gatedLinearOp: Op<GatedLinearInputs, GatedLinearOutputs, GatedLinearOptions> = {
  id: 'gated-linear',
  version: 1,
  package: '@tessera-llm/kernels',
  validate({ x, norm, gate, up }, options) {
    const shape = checkFused('gated-linear', x, [gate, up], norm, options)
    checkChoice(options.kind, activationKinds, 'gated-linear', 'kind')
    const rows = checkFusedWeight('gated-linear', 'gate', gate, shape)
    if (checkFusedWeight('gated-linear', 'up', up, shape) !== rows)
      throw new TesseraError(
        'invalid-shape',
        `gated-linear: gate ${formatShape(gate.shape)} and up ${formatShape(up.shape)} must have equal shapes`,
      )
    return { y: dense('f32', [...shape.slice(0, -1), rows]) }
  },
  // Errors of the two factors add up, and each is scaled by the other factor, of magnitude √K.
  tolerance(problem) {
    const { atol, rtol, nmse } = fusedTolerance(problem)
    return { atol: atol * Math.sqrt(problem.inputs.gate.shape[1] ?? 1), rtol: 2 * rtol, nmse }
  },
  cost({ inputs: { x, gate } }) {
    const tokens = rowsOf(x.shape)
    const [rows = 0, columns = 0] = gate.shape
    return {
      flops: 4 * tokens * rows * columns + 10 * tokens * rows,
      bytesRead: 4 * (2 * sizeOf(gate.shape) + tokens * columns),
      bytesWritten: 4 * tokens * rows,
    }
  },
  reference({ x, norm, gate, up }, { kind, ...options }, { inputs }) {
    const normed = normedInput(x, norm, options)
    const second = linearReference(normed, up, inputs.up, undefined, options)
    const f = activationFunctions[kind]
    return {
      y: linearReference(normed, gate, inputs.gate, undefined, options).map(
        (value, index) => f(value) * (second[index] as number),
      ),
    }
  },
}

/**
 * `y = f(n · gateᵀ) · (n · upᵀ)` with `n = rmsNorm(x, norm)`, or x without a norm: x f32[…, K], gate and up [N, K]
 * dense or packed → y f32[…, N]. Not every device has a kernel for it; see {@link gatedLinearOp}.
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`, `invalid-option`, `missing-kernel`
 */
export function gatedLinear(inputs: GatedLinearInputs, options: GatedLinearOptions): Tensor {
  return inputs.x.device.run(gatedLinearOp, inputs, options).y
}
