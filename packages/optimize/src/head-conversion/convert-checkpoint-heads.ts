import {
  type ConvertHeadsOptions,
  convertHeads,
  type HeadWeights,
  type ProjectionWeights,
} from '@tessera-llm/attention'
import type { Checkpoint, GgufCheckpoint, GgufValue, StoredTensor, TensorData } from '@tessera-llm/formats'
import type { Fields } from '@tessera-llm/runtime'
import { lastAxis, type Shape, TesseraError } from '@tessera-llm/tensor'
import { checkpointWeights } from '../weights/index.ts'
import { type AttentionSizes, attentionLayers, attentionSizes, type StoredAttention } from './attention-layers.ts'
import type { HeadCalibration } from './collect-heads.ts'
import { encodeAs, writableFormat } from './encode-as-stored.ts'

/** Options of `convertCheckpointHeads`. */
export interface HeadConversionOptions {
  /** KV heads of every layer in the result: a divisor of the present count. */
  readonly numKvHeads: number
  /** See `convertHeads`. */
  readonly method: ConvertHeadsOptions['method']
  /** Result of `calibrateHeads` or `calibrateEncoderHeads` for this model; required by `activation` and `principal`. */
  readonly calibration?: HeadCalibration | undefined
  /** The parsed `config.json` of a safetensors checkpoint. */
  readonly config?: Fields | undefined
}

/** Content of the converted checkpoint: tensors whose values are computed layer by layer when the writer reads them. */
export interface ConvertedCheckpoint {
  /** In the order of the checkpoint; unchanged tensors are copied byte for byte. */
  readonly tensors: readonly TensorData[]
  /** For `writeGguf`; undefined for safetensors. */
  readonly metadata: ReadonlyMap<string, GgufValue> | undefined
  /** The new `config.json`; undefined for GGUF. */
  readonly config: Fields | undefined
  readonly numHeads: number
  readonly numKvHeads: { readonly before: number; readonly after: number }
  /** Numbers in the cache for each token, over all layers. */
  readonly cacheValuesPerToken: { readonly before: number; readonly after: number }
  /** Formats of changed tensors that have no encoder; those tensors are written as f16. */
  readonly replacedFormats: readonly string[]
}

/**
 * Reduces the KV heads of every layer of a checkpoint. Tensors are read when the result is written, one layer at a
 * time. Quantized projections are decoded and encoded again in their format; with `first`, rows are copied unchanged.
 *
 * @throws TesseraError `invalid-option`, `invalid-file`, `unsupported` for projections that are not stored separately
 */
export function convertCheckpointHeads(checkpoint: Checkpoint, options: HeadConversionOptions): ConvertedCheckpoint {
  const { config, numKvHeads, method, calibration } = options
  const sizes = attentionSizes(checkpoint, config)
  const weights = checkpointWeights(checkpoint)
  const layers = attentionLayers(weights, sizes.architecture)
  if (!Number.isSafeInteger(numKvHeads) || numKvHeads < 1 || sizes.numKvHeads % numKvHeads !== 0) {
    throw new TesseraError(
      'invalid-option',
      `convert-heads: ${numKvHeads} KV heads cannot be made of ${sizes.numKvHeads}; ask for a divisor`,
    )
  }
  if (needsCalibration(method) && calibration?.layers.length !== layers.length) {
    throw new TesseraError(
      'invalid-option',
      `convert-heads: the method ${method} needs a calibration of all ${layers.length} layers, and got ${calibration ? `one of ${calibration.layers.length}` : 'none'}`,
    )
  }
  const changed = new Map<string, TensorData>()
  const replacedFormats = new Set<string>()
  const cacheValues = layers.reduce(
    (sum, { weights: { key, value } }) => sum + (key.shape[0] ?? 0) + (value.shape[0] ?? 0),
    0,
  )
  const hasKeyNorm = weights.has('layers.0.attention.key_norm')
  const converted = keepLatest((index) =>
    convertLayer(layers[index] as StoredAttention, sizes, optionsFor(index, options, hasKeyNorm)),
  )
  for (const [index, layer] of numKvHeads === sizes.numKvHeads ? [] : layers.entries()) {
    for (const part of ['query', 'key', 'value', 'output'] as const) {
      const isKv = part === 'key' || part === 'value'
      if (!isKv && !needsCalibration(method)) continue
      const bias = part === 'output' ? undefined : layer.biases[part]
      for (const [kind, weight] of [
        ['weight', layer.weights[part]],
        ['bias', bias],
      ] as const) {
        if (!weight) continue
        const stored = checkpoint.tensors.get(weight.storedName) as StoredTensor
        const shape = isKv
          ? [(stored.shape[0] ?? 0) / (sizes.numKvHeads / numKvHeads), ...stored.shape.slice(1)]
          : stored.shape
        if (method === 'first') {
          changed.set(stored.name, {
            ...describe(stored, shape),
            bytes: () => firstHeads(stored, sizes.numKvHeads, numKvHeads),
          })
          continue
        }
        const format = writableFormat(stored.format, shape)
        if (format !== stored.format) replacedFormats.add(stored.format)
        changed.set(stored.name, {
          name: stored.name,
          shape,
          format,
          bytes: async () => encodeAs(format, (await converted(index))[part][kind] as Float32Array, shape),
        })
      }
    }
  }
  return {
    tensors: [...checkpoint.tensors.values()].map((stored) => changed.get(stored.name) ?? stored),
    metadata:
      checkpoint.container === 'gguf' ? withHeadCount(checkpoint as GgufCheckpoint, sizes, numKvHeads) : undefined,
    config: checkpoint.container === 'gguf' ? undefined : { ...config, num_key_value_heads: numKvHeads },
    numHeads: sizes.numHeads,
    numKvHeads: { before: sizes.numKvHeads, after: numKvHeads },
    cacheValuesPerToken: { before: cacheValues, after: (cacheValues / sizes.numKvHeads) * numKvHeads },
    replacedFormats: [...replacedFormats],
  }
}

async function convertLayer(
  layer: StoredAttention,
  sizes: AttentionSizes,
  options: ConvertHeadsOptions,
): Promise<HeadWeights> {
  const projection = async (part: 'query' | 'key' | 'value'): Promise<ProjectionWeights> => ({
    weight: await layer.weights[part].read(),
    bias: await layer.biases[part]?.read(),
  })
  const { numHeads } = sizes
  const weights: HeadWeights = {
    numHeads,
    numKvHeads: sizes.numKvHeads,
    headDim: (layer.weights.query.shape[0] ?? 0) / numHeads,
    valueDim: lastAxis(layer.weights.output.shape) / numHeads,
    query: await projection('query'),
    key: await projection('key'),
    value: await projection('value'),
    output: { weight: await layer.weights.output.read() },
  }
  return convertHeads(weights, options).weights
}

function optionsFor(
  index: number,
  { numKvHeads, method, calibration }: HeadConversionOptions,
  hasKeyNorm: boolean,
): ConvertHeadsOptions {
  if (!needsCalibration(method)) return { numKvHeads, method }
  const layer = calibration?.layers[index]
  if (!layer) throw new TesseraError('invalid-option', `convert-heads: the calibration lacks layer ${index}`)
  const { moments, keyRotation } = layer
  // A norm with a weight for each channel is applied between the projection and the product of queries and keys.
  return { numKvHeads, method, moments, keyRotation: hasKeyNorm ? { kind: 'none' } : keyRotation }
}

/** Rows of the first head of each group, in any stored format. */
async function firstHeads(stored: StoredTensor, before: number, after: number): Promise<Uint8Array> {
  const headBytes = stored.byteLength / before
  const bytes = new Uint8Array(headBytes * after)
  for (let group = 0; group < after; group++)
    bytes.set(await stored.read(((group * before) / after) * headBytes, headBytes), group * headBytes)
  return bytes
}

function describe(
  { name, format }: StoredTensor,
  shape: Shape,
): { readonly name: string; readonly shape: Shape; readonly format: string } {
  return { name, shape, format }
}

function withHeadCount(
  { typedMetadata }: GgufCheckpoint,
  { architecture }: AttentionSizes,
  numKvHeads: number,
): ReadonlyMap<string, GgufValue> {
  // The key is absent if every query head has its own KV head. Equal counts need no list.
  return new Map(typedMetadata).set(`${architecture}.attention.head_count_kv`, { type: 'u32', value: numKvHeads })
}

/** Caches the latest layer: its tensors are requested one by one but computed together. */
function keepLatest<T>(make: (index: number) => Promise<T>): (index: number) => Promise<T> {
  let latest: { readonly index: number; readonly made: Promise<T> } | undefined
  return (index) => {
    if (latest?.index !== index) latest = { index, made: make(index) }
    return latest.made
  }
}

function needsCalibration(method: HeadConversionOptions['method']): method is 'activation' | 'principal' {
  return method === 'activation' || method === 'principal'
}
