import { attention } from '@tessera-llm/attention'
import { activation, add, embedding } from '@tessera-llm/kernels'
import { type Device, reshape, type Tensor, type Weight } from '@tessera-llm/tensor'
import type { EncoderConfig } from '../config/index.ts'
import type { WeightSource } from './model.ts'
import { forwardLayers, type Layer } from './part/layer.ts'
import { type Norm, normalize } from './part/norm.ts'
import type { BlockOptions, LayerPass } from './part/pass.ts'
import { type Projection, project } from './part/projection.ts'

/** Sequences packed one after another, without padding; all tensors are i32 on the encoder's device. */
export interface PackedSequences {
  /** Token ids of all sequences, `[T]`. */
  readonly ids: Tensor
  /** Position of each token in its sequence, from 0, `[1, T]`. */
  readonly positions: Tensor
  /** Segment type of each token, `[T]`; all 0 if absent. */
  readonly types?: Tensor | undefined
  /** Offset of each sequence, and the end of the last one, `[N + 1]`. */
  readonly cuSeqLens: Tensor
}

/** A bidirectional transformer on a device. */
export interface Encoder {
  readonly device: Device
  readonly config: EncoderConfig
  /** Bytes of the weights on the device. */
  readonly weightBytes: number
  /** The last hidden states, f32 `[T, hiddenSize]`. */
  forward(sequences: PackedSequences, options: BlockOptions): Tensor
  /**
   * BERT's pooler: maps the state of each sequence's first token to a summary by a linear layer and tanh, f32 `[N, D]`
   * to `[N, D]`. Undefined for a model without one.
   */
  readonly summarize: ((first: Tensor, options: BlockOptions) => Tensor) | undefined
  dispose(): void
}

export interface EncoderParts {
  readonly embedding: Weight
  readonly positions: Weight | undefined
  readonly types: Weight | undefined
  readonly embeddingNorm: Norm
  readonly layers: readonly Layer[]
  readonly finalNorm: Norm | undefined
  readonly pooler: Projection | undefined
}

/** Composes embeddings → norm → layers. The encoder owns `weights`. */
export function createEncoder(
  device: Device,
  config: EncoderConfig,
  weights: WeightSource,
  parts: EncoderParts,
): Encoder {
  const { layers, finalNorm, pooler } = parts
  return {
    device,
    config,
    weightBytes: weights.byteLength,

    forward(sequences, options) {
      return device.scope((scope) => {
        const embedded = embed(sequences, parts)
        options.observe?.('embed', embedded)
        const hidden = forwardLayers(embedded, layers, (index) => layerPass(index, config, sequences, options))
        return scope.keep(finalNorm ? normalize(hidden, finalNorm) : hidden)
      })
    },

    summarize:
      pooler &&
      ((first, options) =>
        device.scope((scope) => scope.keep(activation(project(first, pooler, options), { kind: 'tanh' })))),
    dispose: () => weights.dispose(),
  }
}

function embed({ ids, positions, types }: PackedSequences, parts: EncoderParts): Tensor {
  const tokens = ids.shape[0] ?? 0
  let sum = embedding(ids, parts.embedding)
  if (parts.positions) sum = add(sum, reshape(embedding(positions, parts.positions), sum.shape))
  if (parts.types) sum = add(sum, embedding(types ?? ids.device.tensor(new Int32Array(tokens), [tokens]), parts.types))
  return normalize(sum, parts.embeddingNorm)
}

function layerPass(
  index: number,
  { windows }: EncoderConfig,
  { positions, cuSeqLens }: PackedSequences,
  options: BlockOptions,
): LayerPass {
  // Half of an encoder's window is on either side of the token.
  const window = windows?.[index]
  const reach = window === undefined ? undefined : Math.floor(window / 2)
  return {
    positions,
    options,
    attend: ({ query, key, value }, scores) =>
      attention(query, key, value, {
        layout: 'blhd',
        cuSeqLens,
        windowLeft: reach,
        windowRight: reach,
        returnLse: false,
        ...scores,
      }).o,
    report: (name, tensor) => options.observe?.(`layers.${index}.${name}`, tensor),
  }
}
