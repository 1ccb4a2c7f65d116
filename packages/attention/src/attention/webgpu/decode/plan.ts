import { type AttentionProblem, unlimited } from '../problem.ts'

/** Keys that a workgroup of `split.wgsl` takes at once. */
const tileKeys = 64
/** Rows that a workgroup holds at most: more would not fit registers and 16 KiB of workgroup memory. */
const maxRows = 32
/** Workgroups to aim at: a few for each core of a large GPU. */
const targetWorkgroups = 512

export interface DecodePlan {
  /** Packed rows of a workgroup, a multiple of 4. */
  readonly rows: number
  readonly rowBlocks: number
  /** Stretches of keys, and keys of each. */
  readonly splits: number
  readonly splitKeys: number
  readonly workgroups: number
}

/** How decode divides a call: by shapes and options alone, so that a replayed plan has the grid that an eager call has. */
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
  // Keys that the rows of a block may see together: with a window, far fewer than the cache has.
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
