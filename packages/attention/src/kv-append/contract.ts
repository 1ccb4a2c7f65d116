import {
  decodeElements,
  denseSpec,
  encodeElements,
  formatShape,
  type HostTensor,
  sizeOf,
  type Op,
  specBytes,
  type Tensor,
  TesseraError,
} from '@tessera-llm/tensor'

/**
 * Inputs of `kvAppend`: cache f32 or f16[B, H, C, D] (written in place), new rows x f32[B, L, H, D], and the row of
 * each sequence's first token, positions i32[B].
 */
export type KvAppendInputs = {
  readonly cache: Tensor
  readonly x: Tensor
  readonly positions: Tensor
  /**
   * i32[B, P], as in attention: the cache is then pages [N, H, R, D], and row r is row r mod R of page blockTable[b, ⌊r
   * / R⌋ mod P].
   */
  readonly blockTable?: Tensor | undefined
}

/**
 * `cache[b, h, positions[b] + i, :] = x[b, i, h, :]`: cache f32 or f16[B, H, C, D] (written in place; f16 rounds to
 * nearest, ties to even), x f32[B, L, H, D], positions i32[B]. Drops rows outside 0 … C − 1; with a block table, which
 * has no last row, only those below 0.
 */
export const kvAppendOp: Op<KvAppendInputs, Record<string, never>, Record<string, never>> = {
  id: 'kv-append',
  version: 1,
  package: '@tessera-llm/attention',
  writes: ['cache'],
  validate(inputs) {
    const cache = denseSpec(inputs.cache, 'kv-append', 'cache')
    const x = denseSpec(inputs.x, 'kv-append', 'x')
    const positions = denseSpec(inputs.positions, 'kv-append', 'positions')
    const [cacheBatch = 0, heads = 0, rows = 0, width = 0] = cache.shape
    const table = inputs.blockTable && denseSpec(inputs.blockTable, 'kv-append', 'blockTable')
    const batch = table ? (x.shape[0] ?? 0) : cacheBatch
    if ((cache.dtype !== 'f32' && cache.dtype !== 'f16') || x.dtype !== 'f32' || positions.dtype !== 'i32')
      throw new TesseraError(
        'invalid-dtype',
        `kv-append: cache must be f32 or f16, x f32 and positions i32, not ${cache.dtype}, ${x.dtype} and ${positions.dtype}`,
      )
    if (
      cache.shape.length !== 4 ||
      x.shape.length !== 4 ||
      x.shape[0] !== batch ||
      x.shape[2] !== heads ||
      x.shape[3] !== width
    ) {
      throw new TesseraError(
        'invalid-shape',
        `kv-append: x must be [B, L, H, D] of the cache [B, H, C, D], not ${formatShape(x.shape)} and ${formatShape(cache.shape)}`,
      )
    }
    if (positions.shape.join() !== String(batch))
      throw new TesseraError(
        'invalid-shape',
        `kv-append: positions must be ${formatShape([batch])}, not ${formatShape(positions.shape)}`,
      )
    if (table) {
      const [tableBatch, pages = 0] = table.shape
      if (table.dtype !== 'i32' || table.shape.length !== 2 || tableBatch !== batch)
        throw new TesseraError(
          'invalid-shape',
          `kv-append: blockTable must be i32 [${batch}, P], not ${table.dtype} ${formatShape(table.shape)}`,
        )
      if ((x.shape[1] ?? 0) > pages * rows)
        throw new TesseraError(
          'invalid-shape',
          `kv-append: ${x.shape[1]} rows do not fit the ${pages} pages of ${rows} rows of a sequence; append fewer at once`,
        )
    }
    return {}
  },
  tolerance: () => ({ atol: 0, rtol: 0, nmse: 0 }),
  cost: ({ inputs }) => ({
    flops: 0,
    bytesRead: 4 * sizeOf(inputs.x.shape),
    bytesWritten: (specBytes(inputs.cache) / Math.max(1, sizeOf(inputs.cache.shape))) * sizeOf(inputs.x.shape),
  }),
  reference({ cache, x, positions, blockTable }) {
    appendRows(cache, x, (b, i) => (positions.data[b] as number) + i, blockTable)
    return {}
  },
}

/** Float64 definition, shared with `rope-append`: row i of sequence b becomes row `rowOf(b, i)` of the cache. */
export function appendRows(
  cache: HostTensor,
  x: HostTensor,
  rowOf: (b: number, i: number) => number,
  blockTable: HostTensor | undefined,
): void {
  const [, , capacity = 0, width = 0] = cache.shape
  const [batch = 0, length = 0, heads = 0] = x.shape
  const pages = blockTable?.shape[1] ?? 0
  const stored = cache.dtype === 'f16' ? decodeElements(encodeElements(x.data, 'f16'), 'f16', x.data.length) : x.data
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < length; i++) {
      const row = rowOf(b, i)
      if (row < 0 || (!blockTable && row >= capacity)) continue
      const page = blockTable ? (blockTable.data[b * pages + (Math.floor(row / capacity) % pages)] as number) : b
      for (let h = 0; h < heads; h++) {
        const from = ((b * length + i) * heads + h) * width
        cache.data.set(stored.subarray(from, from + width), ((page * heads + h) * capacity + (row % capacity)) * width)
      }
    }
  }
}

/**
 * Writes new rows into a dense cache, in place: x f32[B, L, H, D] as rows positions[b] + i of cache f32 or f16[B, H, C,
 * D], positions i32[B]; with `blockTable` i32[B, P], the cache is pages [N, H, R, D]. See {@link kvAppendOp}.
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`
 */
export function kvAppend(cache: Tensor, x: Tensor, positions: Tensor, blockTable?: Tensor): void {
  cache.device.run(kvAppendOp, { cache, x, positions, blockTable }, {})
}
