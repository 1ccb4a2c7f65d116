import type { KvCache } from '@tessera-llm/attention'
import { activation, add, embedding, linear, scale } from '@tessera-llm/kernels'
import { type Device, reshape, type Tensor, type Weight } from '@tessera-llm/tensor'
import type { ModelConfig } from '../config/index.ts'
import type { ForwardOptions, LanguageModel, StepInputs, WeightSource } from './model.ts'
import { forwardLayers, type Layer } from './part/layer.ts'
import { type Norm, normalize } from './part/norm.ts'
import type { LayerPass } from './part/pass.ts'
import { roundingOf } from './part/projection.ts'

/** The parts of a decoder. */
export interface DecoderParts {
  readonly embedding: Weight
  /** Learned positions, added to the embeddings. */
  readonly positions?: Weight | undefined
  readonly embeddingNorm?: Norm | undefined
  readonly layers: readonly Layer[]
  readonly finalNorm: Norm
  readonly head: Weight
  /** See `Projection`. */
  readonly headInputScale?: number | undefined
}

/** Composes embedding → layers → norm → head, with the residual stream in f32. The model owns `weights`. */
export function createDecoder(
  device: Device,
  config: ModelConfig,
  weights: WeightSource,
  parts: DecoderParts,
): LanguageModel {
  const { layers } = parts
  return {
    device,
    config,
    weightBytes: weights.byteLength,

    forward(step, cache, options) {
      return device.scope((scope) => {
        const embedded = embed(step, config, parts)
        options.observe?.('embed', embedded)
        const hidden = forwardLayers(embedded, layers, (index) => layerPass(index, step, cache, options))
        return options.logits === 'none' ? undefined : scope.keep(logitsOf(hidden, config, parts, options))
      })
    },

    dispose: () => weights.dispose(),
  }
}

function layerPass(index: number, step: StepInputs, cache: KvCache, options: ForwardOptions): LayerPass {
  return {
    positions: step.positions,
    options,
    attend({ query, key, value }, scores) {
      const kept = cache.layer(index)
      kept.append(key, value, step)
      return kept.attend(query, step, scores)
    },
    rotateAndAttend({ query, key, value }, rotation, scores) {
      const kept = cache.layer(index)
      const isAppended = kept.appendRotated?.(
        { q: query, k: key, v: value },
        { ...rotation, positions: step.positions },
      )
      return isAppended ? kept.attend(query, step, scores) : undefined
    },
    report: (name, tensor) => options.observe?.(`layers.${index}.${name}`, tensor),
  }
}

function embed({ ids, positions }: StepInputs, { embeddingScale }: ModelConfig, parts: DecoderParts): Tensor {
  const tokens = embedding(ids, parts.embedding, { scale: embeddingScale })
  const placed = parts.positions ? add(tokens, reshape(embedding(positions, parts.positions), tokens.shape)) : tokens
  return parts.embeddingNorm ? normalize(placed, parts.embeddingNorm) : placed
}

function logitsOf(
  hidden: Tensor,
  { logitScale, logitSoftcap }: ModelConfig,
  { finalNorm, head, headInputScale }: DecoderParts,
  { logits, activations, observe }: ForwardOptions,
): Tensor {
  const normed = normalize(logits === 'last' ? lastRow(hidden) : hidden, finalNorm)
  observe?.('final_norm', normed)
  observe?.('head.input', normed)
  const raw = linear(normed, head, roundingOf(activations, headInputScale))
  const scaled = logitScale === undefined ? raw : scale(raw, { factor: logitScale })
  if (logitSoftcap === undefined) return scaled
  return scale(activation(scale(scaled, { factor: 1 / logitSoftcap }), { kind: 'tanh' }), { factor: logitSoftcap })
}

/** The last row of `[T, D]` as `[1, D]`. */
function lastRow(hidden: Tensor): Tensor {
  const rows = hidden.shape[0] ?? 0
  return rows === 1 ? hidden : embedding(hidden.device.tensor(Int32Array.of(rows - 1), [1]), hidden)
}
