import { type AttentionProblem, unlimited } from '../problem.ts'

/** Keys that a workgroup of `split.wgsl` processes at once. */
const tileKeys = 64
/** Most rows per workgroup: more would not fit registers and 16 KiB of workgroup memory. */
const maxRows = 32
/** Target number of workgroups: a few for each core of a large GPU. */
const targetWorkgroups = 512

export interface DecodePlan {
  /** Packed rows per workgroup, a multiple of 4. */
  readonly rows: number
  readonly rowBlocks: number
  /** Number of splits of the keys, and keys per split. */
  readonly splits: number
  readonly splitKeys: number
  readonly workgroups: number
}

/** Divides a call by shapes and options alone, so that a replayed plan has the grid of an eager call. */
export function decodePlan({
  batch,
  numKvHeads,
  group,
  seqLenQ,
  seqLenKv,
  windowLeft,
  windowRight,
}: AttentionProblem): DecodePlan {
  const packedRows = group * seqLenQ
  const rowBlocks = Math.max(1, Math.ceil(packedRows / maxRows))
  const rows = 4 * Math.max(1, Math.ceil(packedRows / rowBlocks / 4))
  // Keys that the rows of a block may see together; far fewer than the cache holds if there is a window.
  const windowKeys = windowLeft >= unlimited || windowRight >= unlimited ? seqLenKv : windowLeft + windowRight + seqLenQ
  const tiles = Math.max(1, Math.ceil(Math.min(seqLenKv, windowKeys) / tileKeys))
  const units = batch * numKvHeads * rowBlocks
  const tilesPerSplit = Math.ceil(tiles / Math.max(1, Math.floor(targetWorkgroups / Math.max(1, units))))
  const splits = Math.ceil(tiles / tilesPerSplit)
  return {
    rows,
    rowBlocks: Math.ceil(packedRows / rows),
    splits,
    splitKeys: tilesPerSplit * tileKeys,
    workgroups: batch * numKvHeads * Math.ceil(packedRows / rows) * splits,
  }
}
