/**
 * Bytes that WebGPU's attention kernels move between GPU memory and workgroup memory for one causal head of N positions
 * and `headDim` channels in f32, counted from their loops: tiles of 32 rows and 32 keys, 32 channels of values at a
 * time (packages/attention/src/attention/webgpu). Hits in a cache between count as moved.
 */
export function attentionTraffic(
  length: number,
  headDim: number,
): { readonly plain: number; readonly flash: number; readonly least: number } {
  const tile = 32
  const rowTiles = Math.ceil(length / tile)
  /** Tiles on and below the diagonal. */
  const tiles = (rowTiles * (rowTiles + 1)) / 2
  const pairs = (length * (length + 1)) / 2
  const rows = 4 * tile * headDim
  const scores = 4 * tile * tile
  const output = 4 * length * headDim
  const plain =
    // Stages queries and keys, writes scores.
    tiles * (2 * rows + scores) +
    // A row's softmax reads its scores for the largest, for the sum and for the division, and writes them twice.
    5 * 4 * pairs +
    // Weights are read once per 32 channels; values are staged.
    tiles * (scores * Math.ceil(headDim / tile) + rows) +
    output
  // Stages queries, keys and values; scores stay in registers.
  const flash = tiles * 3 * rows + output + 4 * length
  return { plain, flash, least: 4 * output + 4 * length }
}
