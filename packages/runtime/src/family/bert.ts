import { TesseraError } from '@tessera-llm/tensor'
import { createEncoder, type Encoder } from './encoder.ts'
import type { EncoderFamily } from './model.ts'
import { bertNames, distilbertNames, type TensorNames, withPrefix } from './names/index.ts'
import type { Layer } from './part/layer.ts'
import { createLayerLoader, type LayerLoader, loadNorm, loadPositions, loadProjection, type PartSource } from './part/loader.ts'

const names: Readonly<Record<string, TensorNames>> = { bert: bertNames, distilbert: distilbertNames }

/**
 * BERT (Devlin et al. 2018, arXiv 1810.04805) and its kin: learned positions, LayerNorm of each sum, exact GELU. DistilBERT
 * (arXiv 1910.01108) has neither token types nor a pooler.
 */
export const bertFamily: EncoderFamily = {
  architectures: Object.keys(names),

  async build(config, weights, device): Promise<Encoder> {
    const { architecture, hiddenSize, vocabSize, tokenTypes, numLayers } = config
    const stored = names[architecture]
    if (!stored) throw new TesseraError('unsupported', `load: ${architecture} is not of this family, which has ${Object.keys(names).join(', ')}`)
    const found = withPrefix(stored, weights.has)
    const source: PartSource = { config, weights, names: found, norm: { kind: 'layer' } }
    const embedding = await weights.matrix(`${found.embedding}.weight`, [vocabSize, hiddenSize])
    const positions = await loadPositions(source)
    const types = tokenTypes > 0 ? await weights.matrix(`${found.types}.weight`, [tokenTypes, hiddenSize]) : undefined
    const embeddingNorm = await loadNorm(source, found.embeddingNorm ?? '', hiddenSize)
    const layers: Layer[] = []
    for (let index = 0; index < numLayers; index++) layers.push(await normOfSum(createLayerLoader(source, index, undefined)))
    // Sentence encoders are often stored without it.
    const pooler = found.pooler !== undefined && weights.has(`${found.pooler}.weight`) ? await loadProjection(source, found.pooler, 'pooler', hiddenSize, hiddenSize) : undefined
    return createEncoder(device, config, weights, { embedding, positions, types, embeddingNorm, layers, finalNorm: undefined, pooler })
  },
}

async function normOfSum(load: LayerLoader): Promise<Layer> {
  return {
    order: 'sequential',
    attention: { block: await load.attention(), ofSum: await load.norm('post_attention_norm') },
    mlp: { block: await load.plainMlp(), ofSum: await load.norm('post_mlp_norm') },
  }
}
