import {
  denseSpec,
  formatShape,
  type Op,
  type PackedTensor,
  type Shape,
  sizeOf,
  type Tensor,
  TesseraError,
} from '@tessera-llm/tensor'
import { type KvCodes, kvWords, parseKvFormat } from '../kv-format/index.ts'
import { storeGroups, storeRows } from './reference.ts'

/**
 * Inputs of `kvStore`: a packed cache (written in place), new rows x f32[B, L, H, D], and the row of each sequence's
 * first token, positions i32[B].
 */
export type KvStoreInputs = {
  /** The `blocks` part of a packed cache, u32 words. */
  readonly blocks: Tensor
  readonly x: Tensor
  readonly positions: Tensor
  /** i32[B, P], as in attention, for row formats only: `shape` is then that of pages [N, H, R, D]. */
  readonly blockTable?: Tensor | undefined
}

/** Options of `kvStore`: format and shape of the packed cache. */
export type KvStoreOptions = {
  /** Format id of the cache. */
  readonly format: string
  /** Shape of the cache, [B, H, C, D]. */
  readonly shape: Shape
}

/**
 * Writes rows into a packed cache, in place: x f32[B, L, H, D] at positions[b] + i, as in `kv-append`. Row formats
 * round each row. Group formats first pack the tokens that the header assigns to groups, out of the f16 ring, and then
 * store the rows in the ring; the host advances the header. All devices give the same bits.
 */
export const kvStoreOp: Op<KvStoreInputs, Record<string, never>, KvStoreOptions> = {
  id: 'kv-store',
  version: 1,
  package: '@tessera-llm/attention',
  writes: ['blocks'],
  validate(inputs, { format, shape }) {
    const codes = codesOf(format)
    const blocks = denseSpec(inputs.blocks, 'kv-store', 'blocks')
    const x = denseSpec(inputs.x, 'kv-store', 'x')
    const positions = denseSpec(inputs.positions, 'kv-store', 'positions')
    const table = inputs.blockTable && denseSpec(inputs.blockTable, 'kv-store', 'blockTable')
    if (blocks.dtype !== 'u32' || x.dtype !== 'f32' || positions.dtype !== 'i32')
      throw new TesseraError(
        'invalid-dtype',
        `kv-store: blocks must be u32, x f32 and positions i32, not ${blocks.dtype}, ${x.dtype} and ${positions.dtype}`,
      )
    if (sizeOf(blocks.shape) !== kvWords(codes, shape))
      throw new TesseraError(
        'invalid-shape',
        `kv-store: ${format} of ${formatShape(shape)} takes ${kvWords(codes, shape)} words, blocks has ${sizeOf(blocks.shape)}`,
      )
    const batch = table ? (x.shape[0] ?? 0) : (shape[0] ?? 0)
    if (x.shape.length !== 4 || x.shape[0] !== batch || x.shape[2] !== shape[1] || x.shape[3] !== shape[3])
      throw new TesseraError(
        'invalid-shape',
        `kv-store: x must be [B, L, H, D] of the cache [B, H, C, D], not ${formatShape(x.shape)} and ${formatShape(shape)}`,
      )
    if (positions.shape.join() !== String(batch))
      throw new TesseraError(
        'invalid-shape',
        `kv-store: positions must be ${formatShape([batch])}, not ${formatShape(positions.shape)}`,
      )
    if (codes.unit === 'group') {
      if (table)
        throw new TesseraError(
          'invalid-option',
          `kv-store: ${format} packs tokens that are neighbours, which pages of a block table are not; use a format of rows`,
        )
      if ((x.shape[1] ?? 0) > codes.recentRows)
        throw new TesseraError(
          'invalid-shape',
          `kv-store: ${x.shape[1]} rows do not fit the ${codes.recentRows} recent rows of ${format}; store fewer at once`,
        )
    } else if (
      table &&
      (table.dtype !== 'i32' ||
        table.shape.length !== 2 ||
        table.shape[0] !== batch ||
        (x.shape[1] ?? 0) > (table.shape[1] ?? 0) * (shape[2] ?? 0))
    ) {
      throw new TesseraError(
        'invalid-shape',
        `kv-store: blockTable must be i32 [${batch}, P] with room for ${x.shape[1]} rows, not ${table.dtype} ${formatShape(table.shape)}`,
      )
    }
    return {}
  },
  tolerance: () => ({ atol: 0, rtol: 0, nmse: 0 }),
  cost: ({ inputs }) => ({ flops: 0, bytesRead: 4 * sizeOf(inputs.x.shape), bytesWritten: sizeOf(inputs.x.shape) }),
  reference({ blocks, ...rest }, { format, shape }) {
    const codes = codesOf(format)
    const words = Uint32Array.from(blocks.data)
    if (codes.unit === 'row') storeRows(words, rest, shape, codes.code)
    else storeGroups(words, rest, shape, codes)
    blocks.data.set(words)
    return {}
  },
}

/**
 * Writes new rows into a packed cache, in place: x f32[B, L, H, D] as rows positions[b] + i, positions i32[B]; with
 * `blockTable` i32[B, P], the cache is pages. See {@link kvStoreOp}.
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`, `invalid-option`
 */
export function kvStore(cache: PackedTensor, x: Tensor, positions: Tensor, blockTable?: Tensor): void {
  const blocks = cache.parts['blocks']
  if (blocks === undefined)
    throw new TesseraError('invalid-dtype', `kv-store: ${cache.format.id} is not the format of a cache`)
  x.device.run(kvStoreOp, { blocks, x, positions, blockTable }, { format: cache.format.id, shape: cache.shape })
}

function codesOf(format: string): KvCodes {
  const codes = parseKvFormat(format)
  if (codes === undefined)
    throw new TesseraError(
      'invalid-option',
      `kv-store: ${format} is not the format of a cache; there are kv-int8 and kv-fp8, and kv-int2, kv-int4 and kv-int8 by channel and token`,
    )
  return codes
}
