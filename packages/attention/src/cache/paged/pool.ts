import {
  createPackedTensor,
  type Device,
  formatShape,
  type Tensor,
  TesseraError,
  type Weight,
} from '@tessera-llm/tensor'
import { kvCopyPage } from '../../kv-copy-page/index.ts'
import { kvWords, rowFormat } from '../../kv-format/index.ts'
import type { CacheKind, CacheLayer, CacheSizes } from '../cache.ts'
import { createPageList } from './page-list.ts'
import { createPagedSequence, type PoolLayer } from './sequence.ts'

/** Options of `createPagePool`. */
export interface PagePoolOptions {
  readonly layers: readonly CacheLayer[]
  /** Number of pages for all sequences together. */
  readonly numPages: number
  /** Tokens per page, a multiple of 16. Default 32. */
  readonly pageRows?: number | undefined
  /** Storage of rows. Default f32. Formats with groups of tokens cannot be paged. */
  readonly rows?: 'f32' | 'f16' | 'int8' | 'fp8' | undefined
}

/**
 * Memory for the keys and values of many sequences, in pages (Kwon et al. 2023, PagedAttention, arXiv 2309.06180). A
 * sequence takes a page when it needs one. A fork shares all pages of its origin, and the first to append to a shared
 * page copies it. Layers with a window keep all rows.
 */
export interface PagePool {
  /** Cache kind for sessions and callers: `create` makes an empty sequence in the pool. */
  readonly kind: CacheKind
  readonly pageRows: number
  readonly numPages: number
  readonly freePages: number
  /** Bytes per page, over all layers. */
  readonly pageBytes: number
  readonly byteLength: number
  /** Frees the pool's memory; its sequences must not be used afterwards. */
  dispose(): void
}

/**
 * Allocates a pool of pages for the keys and values of many sequences; see {@link PagePool}.
 *
 * @throws TesseraError `invalid-option`, `out-of-memory`
 */
export function createPagePool(
  device: Device,
  { layers, numPages, pageRows = 32, rows = 'f32' }: PagePoolOptions,
): PagePool {
  if (!Number.isSafeInteger(numPages) || numPages < 1)
    throw new TesseraError('invalid-option', `cache: numPages must be a positive integer, not ${numPages}`)
  if (!Number.isSafeInteger(pageRows) || pageRows < 16 || pageRows % 16 !== 0)
    throw new TesseraError('invalid-option', `cache: pageRows must be a positive multiple of 16, not ${pageRows}`)
  if (!['f32', 'f16', 'int8', 'fp8'].includes(rows))
    throw new TesseraError(
      'invalid-option',
      `cache: pages keep their rows as f32, f16, int8 or fp8, not ${rows}: groups of 32 tokens share scales and are packed from a sequence's own f16 rows, which pages that sequences share do not have; use int8, or quantizedCache for one sequence`,
    )
  const stored: Tensor[] = []
  const make = (numKvHeads: number, width: number): Weight => {
    const shape = [numPages, numKvHeads, pageRows, width]
    if (rows === 'f32' || rows === 'f16') {
      const tensor = device.empty(shape, rows)
      stored.push(tensor)
      return tensor
    }
    const format = rowFormat(rows)
    const blocks = device.empty([kvWords(format.codes, shape)], 'u32')
    stored.push(blocks)
    return createPackedTensor(blocks.device, format, shape, { blocks })
  }
  const dispose = (): void => {
    for (const tensor of stored) tensor.dispose()
  }
  let poolLayers: readonly PoolLayer[]
  try {
    poolLayers = layers.map(({ numKvHeads, headDim, valueDim = headDim, window }) => ({
      k: make(numKvHeads, headDim),
      v: make(numKvHeads, valueDim),
      window,
    }))
    const pair = device.empty([2], 'i32')
    stored.push(pair)
    const list = createPageList(numPages)
    const tensors = stored.slice(0, -1)
    const byteLength = tensors.reduce((sum, tensor) => sum + tensor.byteLength, 0)
    const copyPage = (from: number, to: number): void => {
      device.write(pair, Int32Array.of(from, to))
      for (const tensor of tensors) kvCopyPage(tensor, pair, numPages)
    }
    const kind: CacheKind = {
      name: `paged ${rows}`,
      create(on, sizes) {
        checkFits(layers, sizes)
        if (on !== device)
          throw new TesseraError(
            'device-mismatch',
            `cache: the pool is on ${device.name}, the sequence was asked for on ${on.name}`,
          )
        return createPagedSequence(
          kind,
          { device, list, pageRows, pageBytes: byteLength / numPages, layers: poolLayers, copyPage },
          sizes,
        )
      },
      // Share of the pool's memory that a sequence of this length takes; it is already allocated.
      byteLength: ({ capacity }) => (byteLength / numPages) * Math.ceil(capacity / pageRows),
    }
    return {
      kind,
      pageRows,
      numPages,
      get freePages() {
        return list.free
      },
      pageBytes: byteLength / numPages,
      byteLength,
      dispose,
    }
  } catch (error) {
    dispose()
    throw error
  }
}

/** Throws unless a sequence has the layers that the pool was made for. */
function checkFits(layers: readonly CacheLayer[], sizes: CacheSizes): void {
  if (sizes.batch !== 1)
    throw new TesseraError(
      'invalid-option',
      `cache: a sequence of a pool has a batch of 1, not ${sizes.batch}; make a sequence for each`,
    )
  const shapesOf = (all: readonly CacheLayer[]): readonly string[] =>
    all.map(({ numKvHeads, headDim, valueDim = headDim, window = 0 }) =>
      formatShape([numKvHeads, headDim, valueDim, window]),
    )
  const [have, want] = [shapesOf(layers), shapesOf(sizes.layers)]
  const at =
    have.length === want.length
      ? have.findIndex((shape, index) => shape !== want[index])
      : Math.min(have.length, want.length)
  if (at >= 0)
    throw new TesseraError(
      'invalid-shape',
      `cache: the pool was made for other layers: layer ${at} is [heads, head size, value size, window] ${have[at] ?? 'absent'} there and ${want[at] ?? 'absent'} here`,
    )
}
