import type { Checkpoint, StoredTensor } from '@tessera-llm/formats'
import { bytesOf, type Shape, TesseraError } from '@tessera-llm/tensor'
import { ggmlBlockTypes } from '../format/index.ts'
import { gridFormat } from '../grid-format/index.ts'
import { dequantizeMatrix, type Grid, type QuantizedMatrix } from '../quantized-matrix/index.ts'
import { readAwq } from './awq.ts'
import { readCompressed } from './read-compressed.ts'
import { type QuantizationConfig, readQuantizationConfig, schemeOf } from './config.ts'
import { createWholeReads, type WholeReads } from './consecutive-reads.ts'
import { areHalves, exactBlocks, exactBlockType } from './exact-blocks.ts'
import { readGptq } from './gptq.ts'
import type { StoredPart } from './parts.ts'
import { storedCodes } from './stored-codes.ts'

/** A checkpoint whose quantized weights are read as whole tensors `<layer>.weight`. */
export interface QuantizedCheckpoint extends Checkpoint {
  /**
   * Reads the codes and scales of a weight by its name, `model.layers.0.mlp.down_proj.weight`; undefined where it is
   * not stored quantized.
   */
  matrix(name: string, signal?: AbortSignal): Promise<QuantizedMatrix> | undefined
  /** Storage of the quantized weights, by name. */
  readonly storage: ReadonlyMap<string, QuantizedStorage>
}

/** Storage of one weight in a checkpoint. */
export interface QuantizedStorage {
  readonly layout: QuantizationConfig['layout']
  readonly grid: Grid
  /** Whether columns name their groups, because they were grouped in another order than they stand (act-order). */
  readonly hasColumnGroups: boolean
  /** Bytes of all its parts. */
  readonly byteLength: number
}

/**
 * Presents a safetensors checkpoint of the GPTQ, AWQ or compressed-tensors layout as one of ordinary tensors, which any
 * loader accepts: weights that blocks of q4_0, q5_0 or q8_0 hold exactly as such blocks, all others as f32. No value
 * changes. Weights are decoded when they are read, once for consecutive reads of parts. If the configuration rounds
 * inputs to int8 with one scale for all, the tensors include `<layer>.input_scale`.
 *
 * @param config `quantization_config` of the checkpoint's `config.json`
 * @throws TesseraError `invalid-file`, `unsupported` naming field, layer or part; those of a weight when it is opened
 *   or read
 */
export async function quantizedCheckpoint(checkpoint: Checkpoint, config: unknown): Promise<QuantizedCheckpoint> {
  const scheme = readQuantizationConfig(config)
  const layers = findLayers(checkpoint, scheme)
  const hidden = new Set([...layers.values()].flatMap((parts) => Object.values(parts)))
  const tensors = new Map<string, StoredTensor>()
  const storage = new Map<string, QuantizedStorage>()
  const reads = createWholeReads()
  const whole = await openLayers(layers, (layer, parts) => wholeTensor(layer, parts, scheme, reads))
  for (const stored of checkpoint.tensors.values()) {
    const layer = hidden.has(stored) ? layerOf(stored.name) : undefined
    if (layer === undefined) tensors.set(stored.name, stored)
    else if (!tensors.has(`${layer}.weight`)) {
      const parts = layers.get(layer) as LayerParts
      const opened = whole.get(layer) as OpenedTensor
      tensors.set(`${layer}.weight`, opened.tensor)
      const inputScale = inputScaleOf(layer, parts, scheme)
      if (inputScale) tensors.set(inputScale.name, inputScale)
      storage.set(`${layer}.weight`, opened.storage)
    }
  }
  return {
    container: checkpoint.container,
    metadata: checkpoint.metadata,
    byteLength: checkpoint.byteLength,
    tensors,
    storage,
    close: () => checkpoint.close(),
    matrix(name, signal) {
      const parts = layers.get(name.replace(/\.weight$/, ''))
      return parts && name.endsWith('.weight') ? readMatrix(layerOf(name) as string, parts, scheme, signal) : undefined
    },
  }
}

type LayerParts = Readonly<Record<string, StoredTensor>>

/** Suffixes of a layer's name in each layout. */
const partNames = {
  gptq: ['qweight', 'qzeros', 'scales', 'g_idx'],
  awq: ['qweight', 'qzeros', 'scales'],
  'compressed-tensors': [
    'weight_packed',
    'weight',
    'weight_scale',
    'weight_zero_point',
    'weight_g_idx',
    'weight_shape',
    'input_scale',
    'input_zero_point',
    'output_scale',
    'output_zero_point',
  ],
} as const

function layerOf(name: string): string | undefined {
  const at = name.lastIndexOf('.')
  return at < 0 ? undefined : name.slice(0, at)
}

function findLayers(checkpoint: Checkpoint, config: QuantizationConfig): ReadonlyMap<string, LayerParts> {
  const { layout } = config
  // A configuration may be there for what it says of transforms alone.
  if (config.layout === 'compressed-tensors' && config.schemes.length === 0) return new Map()
  const marks = layout === 'compressed-tensors' ? ['weight_packed', 'weight_scale'] : ['qweight']
  const layers = new Map<string, Record<string, StoredTensor>>()
  for (const name of checkpoint.tensors.keys()) {
    const layer = layerOf(name)
    if (layer === undefined || !marks.includes(name.slice(layer.length + 1)) || layers.has(layer)) continue
    const parts: Record<string, StoredTensor> = {}
    for (const part of partNames[layout]) {
      const stored = checkpoint.tensors.get(`${layer}.${part}`)
      if (stored) parts[part] = stored
    }
    layers.set(layer, parts)
  }
  if (layers.size === 0)
    throw new TesseraError(
      'invalid-file',
      `quantization_config: says ${layout}, but no tensor is called *.${marks.join(' or *.')}`,
    )
  return layers
}

/** @throws TesseraError `invalid-file` where the configuration says that there is one, and there is none */
function inputScaleOf(layer: string, parts: LayerParts, scheme: QuantizationConfig): StoredTensor | undefined {
  if (scheme.layout !== 'compressed-tensors' || schemeOf(layer, scheme.schemes).hasStaticInputs !== true)
    return undefined
  const stored = parts['input_scale']
  if (!stored)
    throw new TesseraError(
      'invalid-file',
      `${layer}.input_scale is missing, but quantization_config says that inputs are rounded with static scales`,
    )
  return stored
}

/** Layers whose scales and zeros are read at a time. */
const mostOpening = 8

async function openLayers(
  layers: ReadonlyMap<string, LayerParts>,
  open: (layer: string, parts: LayerParts) => Promise<OpenedTensor>,
): Promise<ReadonlyMap<string, OpenedTensor>> {
  const opened = new Map<string, OpenedTensor>()
  // Shared, so that each takes the next layer; an error in a loop ends a generator, and so the other loops.
  const waiting = (function* () {
    yield* layers
  })()
  const openSome = async (): Promise<void> => {
    for (const [layer, parts] of waiting) opened.set(layer, await open(layer, parts))
  }
  await Promise.all(Array.from({ length: mostOpening }, openSome))
  return opened
}

async function readMatrix(
  layer: string,
  parts: LayerParts,
  scheme: QuantizationConfig,
  signal?: AbortSignal,
  skipCodes = false,
): Promise<QuantizedMatrix> {
  const stored = Object.fromEntries(
    await Promise.all(
      Object.entries(parts).map(async ([name, { format, shape, byteLength, read }]): Promise<[string, StoredPart]> => {
        const bytes = skipCodes && codeParts.includes(name) ? new Uint8Array() : await read(0, byteLength, signal)
        return [name, { format, shape, bytes }]
      }),
    ),
  )
  if (scheme.layout === 'gptq') return readGptq(layer, stored, scheme, skipCodes)
  if (scheme.layout === 'awq') return readAwq(layer, stored, scheme.groupSize, skipCodes)
  return readCompressed(layer, stored, schemeOf(layer, scheme.schemes), skipCodes)
}

/** The large parts. */
const codeParts: readonly string[] = ['qweight', 'weight_packed', 'weight']

interface OpenedTensor {
  readonly tensor: StoredTensor
  readonly storage: QuantizedStorage
}

/** The weight as one tensor. What it can be stored as depends on its scales and zeros, which are read at once. */
async function wholeTensor(
  layer: string,
  parts: LayerParts,
  scheme: QuantizationConfig,
  reads: WholeReads,
): Promise<OpenedTensor> {
  const { shape, grid, groupOfColumn, scales } = await readMatrix(layer, parts, scheme, undefined, true)
  const hasColumnGroups = groupOfColumn !== undefined
  const block = exactBlockType(grid, shape[1], hasColumnGroups)
  const type = block && areHalves(scales) ? block : undefined
  const byteLength = type ? blockBytes(type, shape) : 4 * shape[0] * shape[1]
  const storage = {
    layout: scheme.layout,
    grid,
    hasColumnGroups,
    byteLength: Object.values(parts).reduce((sum, part) => sum + part.byteLength, 0),
  }
  const decode = async (signal?: AbortSignal): Promise<Uint8Array> => {
    const matrix = await readMatrix(layer, parts, scheme, signal)
    return type ? exactBlocks(matrix, type) : bytesOf(dequantizeMatrix(matrix))
  }
  const tensor: StoredTensor = {
    name: `${layer}.weight`,
    shape,
    format: type ?? 'f32',
    byteLength,
    codes: storedCodes(gridFormat(grid, { hasColumnGroups }), shape, byteLength, (signal) =>
      readMatrix(layer, parts, scheme, signal),
    ),
    async read(offset = 0, length = byteLength - offset, signal) {
      if (!(offset >= 0 && length >= 0 && offset + length <= byteLength))
        throw new TesseraError(
          'invalid-value',
          `read: bytes ${offset} to ${offset + length} are outside tensor "${layer}.weight", which has ${byteLength} bytes`,
        )
      return reads.read(layer, byteLength, [offset, length], decode, signal)
    },
  }
  return { tensor, storage }
}

function blockBytes(type: string, [rows = 0, columns = 0]: Shape): number {
  const { blockSize = 32, blockBytes: size = 0 } = ggmlBlockTypes.find(({ id }) => id === type) ?? {}
  return ((rows * columns) / blockSize) * size
}
