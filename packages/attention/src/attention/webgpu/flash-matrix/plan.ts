import type { Capabilities } from '@tessera-llm/tensor'
import { exactMatricesOf, type Matrices, webgpuCapabilities } from '@tessera-llm/webgpu'
import type { AttentionProblem } from '../problem.ts'

/** Lanes of a workgroup: a multiple of every subgroup size, as matrices demand. */
const lanes = 128
/** Strips of M rows of a tile, and elements of a row that are staged at once: the first that fit the memory of a workgroup. */
const sizes = [
  [4, 64],
  [4, 32],
  [2, 64],
  [2, 32],
] as const
/** What follows a row, so that the next begins on 16 bytes and in another bank: as in `stage.wgsl`. */
const padding = 8
const resultPadding = 4
/** Beyond it, queries and outputs of a strip would not fit registers. */
const maxHeadDim = 256

export interface MatrixPlan {
  readonly matrices: Matrices
  /** Rows, and keys, of a tile. */
  readonly tile: number
  readonly strips: number
  readonly columns: number
  /** Strips of a subgroup, where subgroups are as large as they may be. */
  readonly stripsEach: number
  /** Elements of the two arrays in workgroup memory. */
  readonly components: number
  readonly results: number
}

/** How a call is computed by matrices, or the reason why it is not. */
export function matrixPlan(problem: AttentionProblem, capabilities: Capabilities): MatrixPlan | string {
  const {
    headDim,
    valueDim,
    inputs: { k, v },
  } = problem
  if (Math.max(headDim, valueDim) > maxHeadDim)
    return `keeps queries and outputs in registers, for head sizes to ${maxHeadDim}; this call has ${Math.max(headDim, valueDim)}`
  const matrices = exactMatricesOf(
    capabilities,
    [k, v].every((spec) => spec.kind === 'dense' && spec.dtype === 'f16'),
    'keys and values',
  )
  if (typeof matrices === 'string') return matrices
  const { M, N, K, componentBytes, parts } = matrices
  const { subgroupMaxSize, limits } = webgpuCapabilities(capabilities)
  let bytes = 0
  for (const [strips, columns] of sizes) {
    const tile = strips * M
    if (tile % N !== 0 || tile % K !== 0) continue
    const components = tile * (columns + padding) + parts * tile * (tile + padding)
    const results = tile * (Math.max(columns, tile) + resultPadding)
    bytes = components * componentBytes + 4 * (results + lanes + 2 * tile + 4)
    if (bytes <= limits.maxComputeWorkgroupStorageSize)
      return {
        matrices,
        tile,
        strips,
        columns,
        stripsEach: Math.ceil((strips * subgroupMaxSize) / lanes),
        components,
        results,
      }
  }
  return `takes ${bytes} bytes of workgroup memory, this GPU has ${limits.maxComputeWorkgroupStorageSize}`
}
