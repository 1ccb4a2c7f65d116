import { TesseraError } from '@tessera-llm/tensor'
import { createEncoder, type Encoder } from './encoder.ts'
import type { EncoderFamily } from './model.ts'
import {
  bertNames,
  distilbertNames,
  ggufBertNames,
  modernbertNames,
  type TensorNames,
  withPrefix,
} from './names/index.ts'
import type { Layer } from './part/layer.ts'
import {
  createLayerLoader,
  type LayerLoader,
  loadNorm,
  loadPositions,
  loadProjection,
  type PartSource,
} from './part/loader.ts'
import { createRotations } from './part/rotation.ts'

interface EncoderDesign {
  readonly names: TensorNames
  /** Absent for architectures without GGUF files. */
  readonly ggufNames?: TensorNames
  readonly layer: (load: LayerLoader) => Promise<Layer>
}

const designs: Readonly<Record<string, EncoderDesign>> = {
  bert: { names: bertNames, ggufNames: ggufBertNames, layer: normOfSum },
  roberta: { names: bertNames, layer: normOfSum },
  distilbert: { names: distilbertNames, layer: normOfSum },
  modernbert: { names: modernbertNames, layer: preNorm },
}

/**
 * BERT (Devlin et al. 2018, arXiv 1810.04805) and its relatives: learned positions, LayerNorm after each residual sum,
 * exact GELU. RoBERTa (1907.11692) starts positions at two; DistilBERT (1910.01108) has neither token types nor a
 * pooler; ModernBERT (2412.13663) has rotary positions, a window in two of three layers, norms before its blocks and a
 * gated MLP.
 */
export const bertFamily: EncoderFamily = {
  architectures: Object.keys(designs),

  async build(config, container, weights, device): Promise<Encoder> {
    const { architecture, hiddenSize, vocabSize, contextLength, tokenTypes, ropes } = config
    const design = designs[architecture]
    if (!design)
      throw new TesseraError(
        'unsupported',
        `load: ${architecture} is not of this family, which has ${Object.keys(designs).join(', ')}`,
      )
    const stored = container === 'gguf' ? design.ggufNames : design.names
    if (!stored)
      throw new TesseraError(
        'unsupported',
        `load: encoders of the architecture ${architecture} are read from a folder with config.json and safetensors, not from a GGUF file`,
      )
    const names = withPrefix(stored, weights.has)
    const source: PartSource = { config, weights, names, norm: { kind: 'layer' } }
    const embedding = await weights.matrix(`${names.embedding}.weight`, [vocabSize, hiddenSize])
    const positions = await loadPositions(source)
    const types = tokenTypes > 0 ? await weights.matrix(`${names.types}.weight`, [tokenTypes, hiddenSize]) : undefined
    const embeddingNorm = await loadNorm(source, names.embeddingNorm ?? '', hiddenSize)
    const rotations = ropes.map(createRotations(weights, contextLength))
    const layers = await Promise.all(
      rotations.map((rotation, index) => design.layer(createLayerLoader(source, index, rotation))),
    )
    const finalNorm = names.finalNorm === undefined ? undefined : await loadNorm(source, names.finalNorm, hiddenSize)
    // Sentence encoders are often stored without the pooler.
    const pooler =
      names.pooler !== undefined && weights.has(`${names.pooler}.weight`)
        ? await loadProjection(source, names.pooler, 'pooler', hiddenSize, hiddenSize)
        : undefined
    return createEncoder(device, config, weights, {
      embedding,
      positions,
      types,
      embeddingNorm,
      layers,
      finalNorm,
      pooler,
    })
  },
}

async function normOfSum(load: LayerLoader): Promise<Layer> {
  const [attention, attentionNorm, mlp, mlpNorm] = await Promise.all([
    load.attention(),
    load.norm('post_attention_norm'),
    load.plainMlp(),
    load.norm('post_mlp_norm'),
  ])
  return {
    order: 'sequential',
    attention: { block: attention, ofSum: attentionNorm },
    mlp: { block: mlp, ofSum: mlpNorm },
  }
}

async function preNorm(load: LayerLoader): Promise<Layer> {
  const [attentionNorm, attention, mlpNorm, mlp] = await Promise.all([
    // The first layer has no norm; the norm of the embeddings takes its place.
    load.has('attention_norm') ? load.norm('attention_norm') : undefined,
    load.attention(),
    load.norm('mlp_norm'),
    load.gatedMlp(),
  ])
  return {
    order: 'sequential',
    attention: { before: attentionNorm, block: attention },
    mlp: { before: mlpNorm, block: mlp },
  }
}
