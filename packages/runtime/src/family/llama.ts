import type { KvCache } from '@tessera-llm/attention'
import { embedding, gatedActivation, linear, rmsNorm, rope } from '@tessera-llm/kernels'
import { reshape, type Tensor, type Weight } from '@tessera-llm/tensor'
import type { ModelConfig } from '../config/index.ts'
import { llamaNames } from './llama-names.ts'
import type { ForwardOptions, LanguageModel, ModelFamily, StepInputs } from './model.ts'
import { uploadRopeTable } from './rope-table.ts'

interface LlamaLayer {
  readonly attentionNorm: Tensor
  readonly query: Projection
  readonly key: Projection
  readonly value: Projection
  readonly output: Projection
  readonly mlpNorm: Tensor
  readonly gate: Projection
  readonly up: Projection
  readonly down: Projection
}

interface Projection {
  readonly weight: Weight
  readonly bias: Tensor | undefined
}

/**
 * Llama (Touvron et al. 2023; arXiv 2302.13971, GQA since 2307.09288): pre-RMSNorm, rotary positions, grouped-query
 * attention, SwiGLU, residual stream in f32. SmolLM2, TinyLlama and Mistral without its window share it.
 */
export const llamaFamily: ModelFamily = {
  architectures: ['llama'],

  async build(config, container, weights, device): Promise<LanguageModel> {
    const { hiddenSize, intermediateSize, numHeads, numKvHeads, headDim, vocabSize } = config
    const names = llamaNames(container)
    const project = async (name: string, rows: number, columns: number): Promise<Projection> => ({
      weight: await weights.matrix(`${name}.weight`, [rows, columns]),
      bias: weights.has(`${name}.bias`) ? await weights.vector(`${name}.bias`, rows) : undefined,
    })
    const embeddingWeight = await weights.matrix(names.embedding, [vocabSize, hiddenSize])
    const layers: LlamaLayer[] = []
    for (let index = 0; index < config.numLayers; index++) {
      const layer = names.layer(index)
      layers.push({
        attentionNorm: await weights.vector(layer.attentionNorm, hiddenSize),
        query: await project(layer.query, numHeads * headDim, hiddenSize),
        key: await project(layer.key, numKvHeads * headDim, hiddenSize),
        value: await project(layer.value, numKvHeads * headDim, hiddenSize),
        output: await project(layer.output, hiddenSize, numHeads * headDim),
        mlpNorm: await weights.vector(layer.mlpNorm, hiddenSize),
        gate: await project(layer.gate, intermediateSize, hiddenSize),
        up: await project(layer.up, intermediateSize, hiddenSize),
        down: await project(layer.down, hiddenSize, intermediateSize),
      })
    }
    const finalNorm = await weights.vector(names.finalNorm, hiddenSize)
    const head = config.tiedHead ? embeddingWeight : await weights.matrix(names.head, [vocabSize, hiddenSize])
    const factors = weights.has(names.ropeFactors) ? await weights.vector(names.ropeFactors, config.rope.rotaryDim / 2) : undefined
    const table = await uploadRopeTable(device, config, factors)
    const owned: Weight[] = [embeddingWeight, head, finalNorm, table.cos, table.sin, ...(factors ? [factors] : []), ...layers.flatMap(weightsOf)]

    return {
      device,
      config,
      weightBytes: [...new Set(owned)].reduce((sum, weight) => sum + weight.byteLength, 0),

      forward(step, cache, options) {
        return device.scope((scope) => {
          let hidden = embedding(step.ids, embeddingWeight)
          options.observe?.('embed', hidden)
          for (const [index, layer] of layers.entries()) {
            const next = device.scope((inner) => inner.keep(forwardLayer(config, layer, table, hidden, step, cache, index, options)))
            hidden.dispose()
            hidden = next
            options.observe?.(`layers.${index}.output`, hidden)
          }
          if (options.logits === 'none') return undefined
          const rows = options.logits === 'last' ? lastRow(hidden) : hidden
          const normed = rmsNorm(rows, finalNorm, { eps: config.normEps })
          options.observe?.('final_norm', normed)
          return scope.keep(linear(normed, head, { activations: options.activations }))
        })
      },

      dispose() {
        for (const weight of owned) weight.dispose()
      },
    }
  },
}

function forwardLayer(
  config: ModelConfig,
  layer: LlamaLayer,
  table: { readonly cos: Tensor; readonly sin: Tensor },
  hidden: Tensor,
  step: StepInputs,
  cache: KvCache,
  index: number,
  { activations, observe }: ForwardOptions,
): Tensor {
  const { headDim, numHeads, numKvHeads, normEps: eps, rope: { style } } = config
  const tokens = hidden.shape[0] ?? 0
  const report = (name: string, tensor: Tensor): void => observe?.(`layers.${index}.${name}`, tensor)
  const project = (x: Tensor, { weight, bias }: Projection, residual?: Tensor): Tensor => linear(x, weight, { activations, bias, residual })
  const heads = (x: Tensor, count: number): Tensor => reshape(x, [1, tokens, count, headDim])

  const normed = rmsNorm(hidden, layer.attentionNorm, { eps })
  report('attn_norm', normed)
  const q = project(normed, layer.query)
  const k = project(normed, layer.key)
  const v = project(normed, layer.value)
  report('q', q)
  report('k', k)
  report('v', v)
  const rotatedQuery = rope(heads(q, numHeads), table.cos, table.sin, step.positions, { style })
  const rotatedKey = rope(heads(k, numKvHeads), table.cos, table.sin, step.positions, { style })
  report('q_rope', rotatedQuery)
  report('k_rope', rotatedKey)
  const kept = cache.layer(index)
  kept.append(rotatedKey, heads(v, numKvHeads), step)
  const attended = reshape(kept.attend(rotatedQuery, step), [tokens, numHeads * headDim])
  report('attn_heads', attended)
  const afterAttention = project(attended, layer.output, hidden)
  const mlpInput = rmsNorm(afterAttention, layer.mlpNorm, { eps })
  report('ffn_norm', mlpInput)
  const gated = gatedActivation(project(mlpInput, layer.gate), project(mlpInput, layer.up), { kind: 'silu' })
  return project(gated, layer.down, afterAttention)
}

/** The last row of `[T, D]` as `[1, D]`. */
function lastRow(hidden: Tensor): Tensor {
  const rows = hidden.shape[0] ?? 0
  return rows === 1 ? hidden : embedding(hidden.device.tensor(Int32Array.of(rows - 1), [1]), hidden)
}

function weightsOf(layer: LlamaLayer): Weight[] {
  const projections = [layer.query, layer.key, layer.value, layer.output, layer.gate, layer.up, layer.down]
  return [layer.attentionNorm, layer.mlpNorm, ...projections.flatMap(({ weight, bias }) => (bias ? [weight, bias] : [weight]))]
}
