import { decoderFamily } from './decoder-family.ts'
import type { ModelFamily } from './model.ts'
import { ggufNames, sandwichNames } from './names/index.ts'
import type { Layer } from './part/layer.ts'
import type { LayerLoader } from './part/loader.ts'

/**
 * Gemma 3 (arXiv 2503.19786): norms before and after each block, queries and keys normalized a head, a window in five of six
 * layers with a rope base of their own, GEGLU, embeddings scaled by √D. Norm weights are 1 + w: GGUF files store the sum.
 */
export const gemmaFamily: ModelFamily = decoderFamily({
  gemma3: { layouts: { gguf: { names: ggufNames, norm: { kind: 'rms' } }, 'hugging-face': { names: sandwichNames, norm: { kind: 'rms', unitOffset: true } } }, layer: sandwich },
})

async function sandwich(load: LayerLoader): Promise<Layer> {
  return {
    order: 'sequential',
    attention: { before: await load.norm('attention_norm'), block: await load.attention('head-norms'), after: await load.norm('post_attention_norm') },
    mlp: { before: await load.norm('mlp_norm'), block: await load.gatedMlp(), after: await load.norm('post_mlp_norm') },
  }
}
