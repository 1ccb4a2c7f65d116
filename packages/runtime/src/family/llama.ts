import { type DecoderDesign, decoderFamily, type Layout } from './decoder-family.ts'
import type { ModelFamily } from './model.ts'
import { ggufNames, ggufPhi3Names, llamaNames, phi3Names, postNormNames } from './names/index.ts'
import type { Layer } from './part/layer.ts'
import type { LayerLoader } from './part/loader.ts'

const gguf: Layout = { names: ggufNames, norm: { kind: 'rms' } }
const folder: Layout = { names: llamaNames, norm: { kind: 'rms' } }
const fromFolder: DecoderDesign = { layouts: { 'hugging-face': folder }, layer: (load) => preNorm(load) }

/**
 * Llama (Touvron et al. 2023; arXiv 2302.13971, with GQA 2307.09288) and its relatives: RMSNorm, rotary positions,
 * grouped-query attention, SwiGLU, residual stream in f32. SmolLM2 and TinyLlama are llamas. Mistral adds a window
 * (arXiv 2310.06825), Qwen 2 biases (2407.10671), Qwen 3 norms of queries and keys (2505.09388), Granite scale factors,
 * SmolLM3 layers without rotation. Phi-3 fuses matrices (2404.14219), StableLM (2402.17834) uses LayerNorm and rotates
 * a quarter of each head, and OLMo 2 has its norms after the blocks (2501.00656).
 */
export const llamaFamily: ModelFamily = decoderFamily({
  llama: { layouts: { gguf, 'hugging-face': folder }, layer: (load) => preNorm(load) },
  mistral: fromFolder,
  qwen2: { layouts: { gguf, 'hugging-face': folder }, layer: (load) => preNorm(load) },
  qwen3: { layouts: { gguf, 'hugging-face': folder }, layer: (load) => preNorm(load, 'each-head') },
  granite: { layouts: { gguf, 'hugging-face': folder }, layer: (load) => preNorm(load) },
  smollm3: fromFolder,
  phi3: {
    layouts: { gguf: { ...gguf, names: ggufPhi3Names }, 'hugging-face': { ...folder, names: phi3Names } },
    layer: (load) => preNorm(load),
  },
  stablelm: {
    layouts: { gguf: { ...gguf, norm: { kind: 'layer' } }, 'hugging-face': { ...folder, norm: { kind: 'layer' } } },
    layer: (load) => preNorm(load),
  },
  olmo2: { layouts: { gguf, 'hugging-face': { ...folder, names: postNormNames } }, layer: postNorm },
})

async function preNorm(load: LayerLoader, headNorms?: 'each-head'): Promise<Layer> {
  const [attentionNorm, attention, mlpNorm, mlp] = await Promise.all([
    load.norm('attention_norm'),
    load.attention(headNorms),
    load.norm('mlp_norm'),
    load.gatedMlp(),
  ])
  return {
    order: 'sequential',
    attention: { before: attentionNorm, block: attention },
    mlp: { before: mlpNorm, block: mlp },
    residualScale: load.config.residualScale,
  }
}

async function postNorm(load: LayerLoader): Promise<Layer> {
  const [attention, attentionNorm, mlp, mlpNorm] = await Promise.all([
    load.attention('all-heads'),
    load.norm('post_attention_norm'),
    load.gatedMlp(),
    load.norm('post_mlp_norm'),
  ])
  return {
    order: 'sequential',
    attention: { block: attention, after: attentionNorm },
    mlp: { block: mlp, after: mlpNorm },
  }
}
