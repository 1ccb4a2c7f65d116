import { decoderFamily } from './decoder-family.ts'
import type { ModelFamily } from './model.ts'
import { ggufNames, llamaNames } from './names/index.ts'
import type { Layer } from './part/layer.ts'
import type { LayerLoader } from './part/loader.ts'

/**
 * Llama (Touvron et al. 2023; arXiv 2302.13971, GQA since 2307.09288) and its kin: pre-RMSNorm, rotary positions, grouped-query
 * attention, SwiGLU, residual stream in f32. SmolLM2 and TinyLlama are llamas.
 */
export const llamaFamily: ModelFamily = decoderFamily({
  llama: { layouts: { gguf: { names: ggufNames, norm: { kind: 'rms' } }, 'hugging-face': { names: llamaNames, norm: { kind: 'rms' } } }, layer: preNorm },
})

async function preNorm(load: LayerLoader): Promise<Layer> {
  return {
    order: 'sequential',
    attention: { before: await load.norm('attention_norm'), block: await load.attention() },
    mlp: { before: await load.norm('mlp_norm'), block: await load.gatedMlp() },
    residualScale: load.config.residualScale,
  }
}
