import { type DecoderDesign, decoderFamily, type Layout } from './decoder-family.ts'
import type { ModelFamily } from './model.ts'
import {
  bloomNames,
  falconNames,
  ggufFusedNames,
  gpt2Names,
  gptNeoxNames,
  optNames,
  type TensorNames,
} from './names/index.ts'
import type { Layer } from './part/layer.ts'
import type { LayerLoader } from './part/loader.ts'

const layout = (names: TensorNames): Layout => ({ names, norm: { kind: 'layer' } })
const fromFolder = (names: TensorNames): DecoderDesign => ({
  layouts: { 'hugging-face': layout(names) },
  layer: preNorm,
})

/**
 * GPT-2 (Radford et al. 2019) and its descendants: LayerNorm before each block, an MLP without a gate. GPT-2 and OPT
 * (arXiv 2205.01068) have learned positions, Bloom (2211.05100) ALiBi and a norm of its embeddings, GPT-NeoX
 * (2204.06745) and Falcon (2311.16867) rotary positions and parallel blocks; Falcon has one KV head, or a few.
 */
export const gptFamily: ModelFamily = decoderFamily({
  gpt2: { layouts: { gguf: layout(ggufFusedNames), 'hugging-face': layout(gpt2Names) }, layer: preNorm },
  opt: fromFolder(optNames),
  bloom: fromFolder(bloomNames),
  gpt_neox: fromFolder(gptNeoxNames),
  falcon: { layouts: { 'hugging-face': layout(falconNames) }, layer: parallel },
})

async function preNorm(load: LayerLoader): Promise<Layer> {
  const [attentionNorm, attention, mlpNorm, mlp] = await Promise.all([
    load.norm('attention_norm'),
    load.attention(),
    load.norm('mlp_norm'),
    load.plainMlp(),
  ])
  return {
    order: load.config.isParallel ? 'parallel' : 'sequential',
    attention: { before: attentionNorm, block: attention },
    mlp: { before: mlpNorm, block: mlp },
  }
}

async function parallel(load: LayerLoader): Promise<Layer> {
  const norms = load.has('attention_norm') ? (['attention_norm', 'mlp_norm'] as const) : (['shared_norm'] as const)
  const [[attentionNorm, mlpNorm = attentionNorm], attention, mlp] = await Promise.all([
    Promise.all(norms.map((part) => load.norm(part))),
    load.attention(),
    load.plainMlp(),
  ])
  return {
    order: 'parallel',
    attention: { before: attentionNorm, block: attention },
    mlp: { before: mlpNorm, block: mlp },
  }
}
