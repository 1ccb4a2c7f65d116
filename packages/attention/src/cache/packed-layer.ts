import { createPackedTensor, type Device, type PackedTensor, type Shape, type Tensor } from '@tessera-llm/tensor'
import { attention } from '../attention/index.ts'
import {
  type GroupLayout,
  groupLayout,
  groupSize,
  headerFields,
  type KvCodes,
  type KvFormat,
  kvWords,
  rowLayout,
} from '../kv-format/index.ts'
import { kvStore } from '../kv-store/index.ts'
import type { CacheLayer, CacheSizes } from './cache.ts'
import type { StoredLayer } from './stored-layer.ts'

/** Formats of a layer's keys and values, and how many of the last tokens stay exact. */
export interface PackedKind {
  readonly keys: KvFormat
  readonly values: KvFormat
  readonly exactTokens: number
}

interface PackedLayer extends StoredLayer {
  readonly k: PackedTensor
  readonly v: PackedTensor
  /** Number of tokens in groups. */
  grouped: number
  /** Adopts a sequence with this many tokens in groups. */
  adopt(grouped: number): void
}

export function packedLayerBytes(layer: CacheLayer, sizes: CacheSizes, { keys, values }: PackedKind): number {
  return (
    4 *
    (kvWords(keys.codes, shapeOf(layer, sizes, layer.headDim)) +
      kvWords(values.codes, shapeOf(layer, sizes, layer.valueDim ?? layer.headDim)))
  )
}

/** Creates packed keys and values for every token of the sequence. */
export function createPackedLayer(
  device: Device,
  layer: CacheLayer,
  sizes: CacheSizes,
  { keys, values, exactTokens }: PackedKind,
): StoredLayer {
  const { headDim, valueDim = headDim, window } = layer
  const tensors: Tensor[] = []
  const make = (format: KvFormat, width: number): PackedTensor => {
    const shape = shapeOf(layer, sizes, width)
    const blocks = device.empty([kvWords(format.codes, shape)], 'u32')
    tensors.push(blocks)
    return createPackedTensor(blocks.device, format, shape, { blocks })
  }
  const dispose = (): void => {
    for (const tensor of tensors) tensor.dispose()
  }
  try {
    const k = make(keys, headDim)
    const v = make(values, valueDim)
    const isGrouped = keys.codes.unit === 'group'
    const recentRows = keys.codes.unit === 'group' ? keys.codes.recentRows : 0
    let written = ''
    /** First token whose row may be in the ring: a fork got no others. */
    let recentFrom = 0
    /** Tells the device which tokens are in groups now, and which were before this step. */
    const writeHeader = (grouped: number, before: number): void => {
      if (!isGrouped || written === `${grouped},${before}`) return
      written = `${grouped},${before}`
      const header = Uint32Array.from({ length: headerFields * sizes.batch }, (_, index) =>
        index % headerFields === 0 ? grouped : before,
      )
      for (const { format, parts } of [k, v])
        if ((format as KvFormat).codes.unit === 'group') device.write(parts['blocks'] as Tensor, header)
    }
    writeHeader(0, 0)
    const self: PackedLayer = {
      k,
      v,
      grouped: 0,
      packsEarlierRows: isGrouped,
      byteLength: k.byteLength + v.byteLength,
      append(newK, newV, { start }) {
        kvStore(k, newK, start)
        kvStore(v, newV, start)
      },
      attend: (q, { lengths }, options) =>
        attention(q, k, v, {
          ...options,
          isCausal: true,
          layout: 'blhd',
          kvLayout: 'bhld',
          kvLengths: lengths,
          windowLeft: window === undefined ? undefined : window - 1,
          returnLse: false,
        }).o,
      // A group that a truncation cuts is rebuilt if the ring still holds its tokens.
      retainable: (length, highest) =>
        length >= self.grouped || groupStart(length) >= Math.max(recentFrom, highest - recentRows)
          ? length
          : groupStart(length),
      prepare(start) {
        if (!isGrouped) return
        const before = Math.min(self.grouped, groupStart(start))
        // The token at `start` enters the ring after groups are packed from it.
        self.grouped = Math.max(before, groupStart(start - Math.max(0, exactTokens - 1)))
        recentFrom = Math.min(recentFrom, start)
        writeHeader(self.grouped, before)
      },
      adopt(grouped) {
        self.grouped = grouped
        recentFrom = grouped
        writeHeader(grouped, grouped)
      },
      async copyTo(target, length) {
        const into = target as PackedLayer
        into.adopt(Math.min(self.grouped, length))
        await copyPacked(k, into.k, length, into.grouped)
        await copyPacked(v, into.v, length, into.grouped)
      },
      dispose,
    }
    return self
  } catch (error) {
    dispose()
    throw error
  }
}

/** First token of the group of this token; −1 counts as group 0. */
function groupStart(token: number): number {
  return Math.max(0, Math.floor(token / groupSize) * groupSize)
}

function shapeOf({ numKvHeads }: CacheLayer, { batch, capacity }: CacheSizes, width: number): Shape {
  return [batch, numKvHeads, capacity, width]
}

/** Copies the first `length` tokens into a tensor of another capacity. */
async function copyPacked(from: PackedTensor, to: PackedTensor, length: number, grouped: number): Promise<void> {
  const [batch = 0, heads = 0, capacity = 0] = from.shape
  const target = to.parts['blocks'] as Tensor
  const words = (await from.device.read(from.parts['blocks'] as Tensor)) as Uint32Array
  const copy = (at: number, count: number, toAt: number): void => {
    if (count > 0) to.device.write(target, words.subarray(at, at + count), toAt)
  }
  const { codes } = from.format as KvFormat
  if (codes.unit === 'row') {
    const { rowWords } = rowLayout(from.shape)
    for (let head = 0; head < batch * heads; head++)
      copy(head * capacity * rowWords, Math.min(length, capacity) * rowWords, head * (to.shape[2] ?? 0) * rowWords)
    return
  }
  const [here, there] = [groupLayout(from.shape, codes), groupLayout(to.shape, codes)]
  for (let head = 0; head < batch * heads; head++)
    copy(groupAt(here, head), (grouped / groupSize) * here.groupWords, groupAt(there, head))
  const targetCodes = (to.format as KvFormat).codes as typeof codes
  for (let row = grouped; row < length; ) {
    // Up to the point where either ring wraps.
    const count = Math.min(
      length - row,
      codes.recentRows - (row % codes.recentRows),
      targetCodes.recentRows - (row % targetCodes.recentRows),
    )
    for (let head = 0; head < batch * heads; head++)
      copy(recentRowAt(here, codes, head, row), count * here.recentRowWords, recentRowAt(there, targetCodes, head, row))
    row += count
  }
}

function groupAt({ headerWords, groups, groupWords }: GroupLayout, head: number): number {
  return headerWords + head * groups * groupWords
}

function recentRowAt(
  { recentAt, recentRowWords }: GroupLayout,
  { recentRows }: Extract<KvCodes, { unit: 'group' }>,
  head: number,
  row: number,
): number {
  return recentAt + (head * recentRows + (row % recentRows)) * recentRowWords
}
