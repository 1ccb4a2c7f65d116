import { type Device, TesseraError, type Weight } from '@tessera-llm/tensor'
import { attention } from '../../attention/index.ts'
import { kvAppend } from '../../kv-append/index.ts'
import { kvStore } from '../../kv-store/index.ts'
import { appendRotated } from '../append-rotated.ts'
import type { CacheKind, CacheSizes, KvCache, LayerCache } from '../cache.ts'
import { checkFork, checkStep, checkTruncate } from '../checks.ts'
import type { PageList } from './page-list.ts'

/** Keys and values of a layer, pages `[N, H, R, D]`. */
export interface PoolLayer {
  readonly k: Weight
  readonly v: Weight
  readonly window: number | undefined
}

/** State that the sequences of a pool share. */
export interface Pages {
  readonly device: Device
  readonly list: PageList
  readonly pageRows: number
  readonly pageBytes: number
  readonly layers: readonly PoolLayer[]
  copyPage(from: number, to: number): void
}

/**
 * Creates a sequence of a pool: a block table and one ownership share of each of its pages. `shared` are its first
 * pages.
 */
export function createPagedSequence(
  kind: CacheKind,
  pages: Pages,
  sizes: CacheSizes,
  shared: readonly number[] = [],
  sharedLength = 0,
): KvCache {
  const { device, list, pageRows, pageBytes, layers, copyPage } = pages
  const { capacity } = sizes
  if (!Number.isSafeInteger(capacity) || capacity < 1)
    throw new TesseraError('invalid-option', `cache: capacity must be a positive integer, not ${capacity}`)
  const blocks = [...shared]
  for (const page of blocks) list.share(page)
  let length = sharedLength
  const entries = Math.ceil(capacity / pageRows)
  const table = device.tensor(
    Int32Array.from({ length: entries }, (_, index) => blocks[index] ?? 0),
    [1, entries],
  )

  const put = (block: number, page: number): void => {
    blocks[block] = page
    device.write(table, Int32Array.of(page), block)
  }
  const cut = (count: number): void => {
    for (const page of blocks.splice(count)) list.release(page)
  }
  const append = (
    cache: Weight,
    x: Parameters<LayerCache['append']>[0],
    start: Parameters<typeof kvAppend>[2],
  ): void => {
    if (cache.kind === 'dense') kvAppend(cache, x, start, table)
    else kvStore(cache, x, start, table)
  }
  const views = layers.map(
    ({ k, v, window }): LayerCache => ({
      append(newK, newV, { start }) {
        append(k, newK, start)
        append(v, newV, start)
      },
      ...(k.kind === 'dense' &&
        v.kind === 'dense' && { appendRotated: (heads, rotation) => appendRotated(heads, rotation, k, v, table) }),
      attend: (q, { lengths }, options) =>
        attention(q, k, v, {
          ...options,
          isCausal: true,
          layout: 'blhd',
          kvLayout: 'bhld',
          kvLengths: lengths,
          blockTable: table,
          windowLeft: window === undefined ? undefined : window - 1,
          returnLse: false,
        }).o,
    }),
  )
  let disposed = false

  return {
    kind,
    sizes,
    capacity,
    get byteLength() {
      return blocks.length * pageBytes + table.byteLength
    },
    layer(index) {
      const view = views[index]
      if (!view)
        throw new TesseraError(
          'invalid-value',
          `cache: there is no layer ${index}; the pool was made for ${views.length}`,
        )
      return view
    },
    get length() {
      return length
    },
    prepare(start, count) {
      checkStep(start, count, { length, capacity })
      cut(Math.ceil(start / pageRows))
      length = start
      const last = blocks.length - 1
      const old = blocks[last]
      const isShared = start % pageRows !== 0 && old !== undefined && list.owners(old) > 1
      const needed = Math.ceil((start + count) / pageRows) - blocks.length + (isShared ? 1 : 0)
      // All or nothing: a step that fails keeps the tokens before `start` and takes no page.
      if (needed > list.free)
        throw new TesseraError(
          'out-of-memory',
          `cache: the step needs ${needed} pages, ${list.free} of ${list.count} are free; dispose or truncate a sequence, or make a pool of more pages`,
        )
      if (isShared && old !== undefined) {
        const own = list.take()
        copyPage(old, own)
        list.release(old)
        put(last, own)
      }
      while (blocks.length * pageRows < start + count) put(blocks.length, list.take())
      length = start + count
    },
    truncate(wanted) {
      checkTruncate(wanted, length)
      length = wanted
      cut(Math.ceil(length / pageRows))
      return length
    },
    abandon(start) {
      return this.truncate(start)
    },
    async fork(room = capacity) {
      checkFork(length, room)
      return createPagedSequence(kind, pages, { ...sizes, capacity: room }, blocks, length)
    },
    dispose() {
      if (disposed) return
      disposed = true
      cut(0)
      length = 0
      table.dispose()
    },
  }
}
