import { decoderFamily, type Layout } from './decoder-family.ts'
import type { ModelFamily } from './model.ts'
import { ggufNames, llamaNames, sandwichNames } from './names/index.ts'
import type { Layer } from './part/layer.ts'
import type { LayerLoader } from './part/loader.ts'

/** Norms multiply by 1 + w; GGUF files store the sum. */
const gguf: Layout = { names: ggufNames, norm: { kind: 'rms' } }
const folder: Layout = { names: sandwichNames, norm: { kind: 'rms', unitOffset: true } }

/**
 * Gemma (arXiv 2403.08295): GEGLU, embeddings scaled by √D, a tied head. Gemma 2 (2408.00118) adds norms before and
 * after each block, softcaps on scores and logits, and a window in every second layer. Gemma 3 (2503.19786) normalizes
 * queries and keys instead of capping, and has a window and another rope base in five of six layers.
 */
export const gemmaFamily: ModelFamily = decoderFamily({
  gemma: { layouts: { gguf, 'hugging-face': { ...folder, names: llamaNames } }, layer: preNorm },
  gemma2: { layouts: { gguf, 'hugging-face': folder }, layer: (load) => sandwich(load) },
  gemma3: { layouts: { gguf, 'hugging-face': folder }, layer: (load) => sandwich(load, 'each-head') },
})

async function preNorm(load: LayerLoader): Promise<Layer> {
  const [attentionNorm, attention, mlpNorm, mlp] = await Promise.all([
    load.norm('attention_norm'),
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

async function sandwich(load: LayerLoader, headNorms?: 'each-head'): Promise<Layer> {
  const [beforeAttention, attention, afterAttention, beforeMlp, mlp, afterMlp] = await Promise.all([
    load.norm('attention_norm'),
    load.attention(headNorms),
    load.norm('post_attention_norm'),
    load.norm('mlp_norm'),
    load.gatedMlp(),
    load.norm('post_mlp_norm'),
  ])
  return {
    order: 'sequential',
    attention: { before: beforeAttention, block: attention, after: afterAttention },
    mlp: { before: beforeMlp, block: mlp, after: afterMlp },
  }
}
