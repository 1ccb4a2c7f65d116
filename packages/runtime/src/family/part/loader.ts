import { alibiSlopes } from '@tessera-llm/attention'
import { TesseraError, type Weight } from '@tessera-llm/tensor'
import type { TransformerConfig } from '../../config/index.ts'
import type { StoredPart, WeightSource } from '../model.ts'
import type { LayerPart, TensorNames } from '../names/index.ts'
import type { Attention } from './attention.ts'
import { fusedHeads } from './fused-heads.ts'
import type { Mlp } from './mlp.ts'
import type { Norm } from './norm.ts'
import type { Projection } from './projection.ts'
import type { Rotation } from './rotation.ts'

/** Norms of an architecture, and whether its file stores the w of 1 + w. */
export interface NormStyle {
  readonly kind: Norm['kind']
  readonly unitOffset?: boolean
}

/** Sources for loading the parts of a model: configuration, weights and their names. */
export interface PartSource {
  readonly config: TransformerConfig
  readonly weights: WeightSource
  readonly names: TensorNames
  readonly norm: NormStyle
}

/** Loads the parts of one layer. Request several at once: while one is packed, others are read. */
export interface LayerLoader {
  readonly config: TransformerConfig
  norm(part: LayerPart): Promise<Norm>
  has(part: LayerPart): boolean
  /** Loads attention; queries and keys may be normalized for each head separately or over all heads. */
  attention(normed?: 'each-head' | 'all-heads'): Promise<Attention>
  gatedMlp(): Promise<Mlp>
  plainMlp(): Promise<Mlp>
}

export async function loadNorm(
  { weights, norm, config: { normEps: eps } }: PartSource,
  stem: string,
  size: number,
): Promise<Norm> {
  if (norm.kind === 'rms')
    return {
      kind: 'rms',
      weight: await weights.vector(`${stem}.weight`, size),
      eps,
      unitOffset: norm.unitOffset ?? false,
    }
  const [weight, bias] = await Promise.all([
    weights.vector(`${stem}.weight`, size),
    weights.has(`${stem}.bias`) ? weights.vector(`${stem}.bias`, size) : undefined,
  ])
  return { kind: 'layer', weight, bias, eps }
}

/**
 * Loads the weight `[rows, columns]`, and the bias if the file has one, from a separate tensor or from the part `from`
 * of one.
 */
export async function loadProjection(
  { weights, names }: PartSource,
  stem: string,
  name: string,
  rows: number,
  columns: number,
  from?: StoredPart,
): Promise<Projection> {
  const part = names.isTransposed
    ? { storedRows: rows, ranges: [[0, rows] as const], ...from, isTransposed: true }
    : from
  const [weight, bias, inputScale] = await Promise.all([
    weights.matrix(`${stem}.weight`, [rows, columns], part),
    weights.has(`${stem}.bias`) ? weights.vector(`${stem}.bias`, rows, from) : undefined,
    loadInputScale(weights, stem),
  ])
  return { name, weight, bias, inputScale }
}

/** Scale of a layer's input, which checkpoints with static activations hold. */
export async function loadInputScale(weights: WeightSource, stem: string): Promise<number | undefined> {
  const name = `${stem}.input_scale`
  if (!weights.has(name)) return undefined
  const scale = await weights.number(name)
  if (scale > 0 && Number.isFinite(scale)) return scale
  throw new TesseraError(
    'invalid-file',
    `load: ${name} must be positive and finite, but is ${scale}; the file is damaged, or its calibration saw no inputs`,
    { details: { tensor: name } },
  )
}

/**
 * The table of learned positions `[contextLength, D]`, a prefix of the stored one; undefined for architectures without
 * one.
 */
export async function loadPositions({ config, weights, names }: PartSource): Promise<Weight | undefined> {
  if (names.positions === undefined) return undefined
  const { contextLength, hiddenSize, unusedPositions = 0 } = config
  const name = `${names.positions}.weight`
  const end = unusedPositions + contextLength
  const storedRows = Math.max(weights.shapeOf(name)?.[0] ?? 0, end)
  return weights.matrix(
    name,
    [contextLength, hiddenSize],
    storedRows === contextLength ? undefined : { storedRows, ranges: [[unusedPositions, end]] },
  )
}

export function createLayerLoader(source: PartSource, index: number, rotation: Rotation | undefined): LayerLoader {
  const { config, names, weights } = source
  const { hiddenSize, intermediateSize, numHeads, numKvHeads, headDim, attentionScale, attentionSoftcap, hasAlibi } =
    config
  const stemOf = (part: LayerPart): string => {
    const stem = names.layer[part]
    if (stem === undefined)
      throw new TesseraError('unsupported', `load: ${config.architecture} has no ${part} in this kind of file`)
    return stem.replace('#', String(index))
  }
  // Loaders are async so that errors reject: callers start several at once and await them together.
  const projection = async (
    part: LayerPart,
    rows: number,
    columns: number,
    stored: LayerPart = part,
    from?: StoredPart,
  ): Promise<Projection> => loadProjection(source, stemOf(stored), `layers.${index}.${part}`, rows, columns, from)
  const norm = async (part: LayerPart, size = hiddenSize): Promise<Norm> => loadNorm(source, stemOf(part), size)

  const headProjections = async (): Promise<Pick<Attention, 'query' | 'key' | 'value'>> => {
    const fused =
      names.layer['attention.fused'] === undefined ? undefined : fusedHeads(config, names.fusedOrder ?? 'stacked')
    const heads = (part: 'query' | 'key' | 'value', count: number): Promise<Projection> =>
      projection(`attention.${part}`, count * headDim, hiddenSize, fused ? 'attention.fused' : undefined, fused?.[part])
    const [query, key, value] = await Promise.all([
      heads('query', numHeads),
      heads('key', numKvHeads),
      heads('value', numKvHeads),
    ])
    return { query, key, value }
  }
  const inner = async (part: 'mlp.gate' | 'mlp.up'): Promise<Projection> => {
    if (names.layer['mlp.fused'] === undefined) return projection(part, intermediateSize, hiddenSize)
    const begin = part === 'mlp.gate' ? 0 : intermediateSize
    return projection(part, intermediateSize, hiddenSize, 'mlp.fused', {
      storedRows: 2 * intermediateSize,
      ranges: [[begin, begin + intermediateSize]],
    })
  }
  const plainMlp = async (): Promise<Mlp> => {
    const [up, down] = await Promise.all([inner('mlp.up'), projection('mlp.down', hiddenSize, intermediateSize)])
    return { up, down, activation: config.activation, downHadamard: config.downHadamard }
  }

  return {
    config,
    norm: (part) => norm(part),
    has: (part) => names.layer[part] !== undefined && weights.has(`${stemOf(part)}.weight`),

    async attention(normed) {
      const width = (heads: number): number => (normed === 'each-head' ? headDim : heads * headDim)
      const [projections, output, queryNorm, keyNorm] = await Promise.all([
        headProjections(),
        projection('attention.output', hiddenSize, numHeads * headDim),
        normed && norm('attention.query_norm', width(numHeads)),
        normed && norm('attention.key_norm', width(numKvHeads)),
      ])
      return {
        ...projections,
        output,
        queryNorm,
        keyNorm,
        rotation,
        numHeads,
        numKvHeads,
        headDim,
        scores: {
          scale: attentionScale,
          softcap: attentionSoftcap,
          alibiSlopes: hasAlibi ? weights.constant(alibiSlopes(numHeads), [numHeads]) : undefined,
        },
      }
    },

    async gatedMlp() {
      const [gate, plain] = await Promise.all([inner('mlp.gate'), plainMlp()])
      return { gate, ...plain }
    },
    plainMlp,
  }
}
