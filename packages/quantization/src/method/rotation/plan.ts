import type { Rotation } from './orthogonal.ts'

/** Names of the weights around one layer of a pre-RMSNorm transformer. */
export interface RotationLayer {
  readonly attentionNorm: string
  readonly query: string
  readonly key: string
  readonly value: string
  readonly output: string
  readonly mlpNorm: string
  /** The layers that read the normed stream: gate and up, or one of them. */
  readonly mlpInputs: readonly string[]
  readonly down: string
}

/**
 * Names of the weights that read or write the residual stream. Norms after a sublayer's output, and LayerNorm, cannot
 * be turned.
 */
export interface RotationModel {
  readonly embedding: string
  readonly layers: readonly RotationLayer[]
  readonly norm: string
  /**
   * Name under which a tied output head is stored separately from the embedding: the final norm is merged into the head
   * only.
   */
  readonly head: string
}

/** Rotations of a model's parts; an absent one leaves its part unrotated. */
export interface RotationChoice {
  /** Rotation of the residual stream; order: the hidden size. */
  readonly residual?: Rotation | undefined
  /** Rotation of each head between value and output; order: the head dimension. */
  readonly heads?: Rotation | undefined
  /**
   * Rotation of the input of `down`; order: the intermediate size or a divisor. The runtime must apply it to the
   * activations too.
   */
  readonly down?: Rotation | undefined
}

/** Transform of one weight: `transformWeight(weight, { inputScale: the norm's weight, input, output })`. */
export interface PlannedTransform {
  /** The norm whose weight is merged into the columns. */
  readonly norm?: string | undefined
  readonly input?: Rotation | undefined
  readonly output?: Rotation | undefined
}

/**
 * How each weight of a model changes when its residual stream and its heads are turned, the function staying the same
 * (QuaRot, arXiv 2404.00456). Weights that are not named stay; the norms that are named become ones.
 */
export function planRotation(
  model: RotationModel,
  { residual, heads, down }: RotationChoice,
): ReadonlyMap<string, PlannedTransform> {
  const plan = new Map<string, PlannedTransform>([[model.embedding, { input: residual }]])
  for (const layer of model.layers) {
    plan.set(layer.query, { norm: layer.attentionNorm, input: residual })
    plan.set(layer.key, { norm: layer.attentionNorm, input: residual })
    plan.set(layer.value, { norm: layer.attentionNorm, input: residual, output: heads })
    plan.set(layer.output, { input: heads, output: residual })
    for (const name of layer.mlpInputs) plan.set(name, { norm: layer.mlpNorm, input: residual })
    plan.set(layer.down, { input: down, output: residual })
  }
  return plan.set(model.head, { norm: model.norm, input: residual })
}
