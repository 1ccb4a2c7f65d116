import { TesseraError } from '@tessera-llm/tensor'
import type { TransformerConfig } from '../../config/index.ts'
import type { WeightSource } from '../model.ts'
import type { LayerPart, TensorNames } from '../names/index.ts'
import type { Attention } from './attention.ts'
import type { Mlp } from './mlp.ts'
import type { Norm } from './norm.ts'
import type { Projection } from './projection.ts'
import type { Rotation } from './rotation.ts'

/** What norms an architecture has, and whether its file stores the w of 1 + w. */
export interface NormStyle {
  readonly kind: Norm['kind']
  readonly unitOffset?: boolean
}

/** What the parts of a model are loaded by. */
export interface PartSource {
  readonly config: TransformerConfig
  readonly weights: WeightSource
  readonly names: TensorNames
  readonly norm: NormStyle
}

/** Brings the parts of one layer. */
export interface LayerLoader {
  readonly config: TransformerConfig
  norm(part: LayerPart): Promise<Norm>
  /** `head-norms` normalize each query and key head. */
  attention(...features: readonly 'head-norms'[]): Promise<Attention>
  gatedMlp(): Promise<Mlp>
  plainMlp(): Promise<Mlp>
}

export async function loadNorm({ weights, norm, config: { normEps: eps } }: PartSource, stem: string, size: number): Promise<Norm> {
  const weight = await weights.vector(`${stem}.weight`, size)
  if (norm.kind === 'rms') return { kind: 'rms', weight, eps, unitOffset: norm.unitOffset ?? false }
  return { kind: 'layer', weight, bias: weights.has(`${stem}.bias`) ? await weights.vector(`${stem}.bias`, size) : undefined, eps }
}

/** The weight `[rows, columns]`, and the bias where the file has one. */
export async function loadProjection({ weights }: Pick<PartSource, 'weights'>, stem: string, name: string, rows: number, columns: number): Promise<Projection> {
  const weight = await weights.matrix(`${stem}.weight`, [rows, columns])
  return { name, weight, bias: weights.has(`${stem}.bias`) ? await weights.vector(`${stem}.bias`, rows) : undefined }
}

export function createLayerLoader(source: PartSource, index: number, rotation: Rotation | undefined): LayerLoader {
  const { config, names } = source
  const { hiddenSize, intermediateSize, numHeads, numKvHeads, headDim } = config
  const stemOf = (part: LayerPart): string => {
    const stem = names.layer[part]
    if (stem === undefined) throw new TesseraError('unsupported', `load: ${config.architecture} has no ${part} in this kind of file`)
    return stem.replace('#', String(index))
  }
  const projection = (part: LayerPart, rows: number, columns: number): Promise<Projection> => loadProjection(source, stemOf(part), `layers.${index}.${part}`, rows, columns)
  const norm = (part: LayerPart, size: number): Promise<Norm> => loadNorm(source, stemOf(part), size)

  const plainMlp = async (): Promise<Mlp> => ({
    up: await projection('mlp.up', intermediateSize, hiddenSize),
    down: await projection('mlp.down', hiddenSize, intermediateSize),
    activation: config.activation,
  })

  return {
    config,
    norm: (part) => norm(part, hiddenSize),

    async attention(...features) {
      const hasHeadNorms = features.includes('head-norms')
      return {
        query: await projection('attention.query', numHeads * headDim, hiddenSize),
        key: await projection('attention.key', numKvHeads * headDim, hiddenSize),
        value: await projection('attention.value', numKvHeads * headDim, hiddenSize),
        output: await projection('attention.output', hiddenSize, numHeads * headDim),
        queryNorm: hasHeadNorms ? await norm('attention.query_norm', headDim) : undefined,
        keyNorm: hasHeadNorms ? await norm('attention.key_norm', headDim) : undefined,
        rotation,
        numHeads,
        numKvHeads,
        headDim,
        scores: { scale: config.attentionScale, softcap: config.attentionSoftcap },
      }
    },

    gatedMlp: async () => ({ gate: await projection('mlp.gate', intermediateSize, hiddenSize), ...(await plainMlp()) }),
    plainMlp,
  }
}
