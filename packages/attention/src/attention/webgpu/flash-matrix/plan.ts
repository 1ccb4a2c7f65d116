import type { Capabilities } from '@tessera-llm/tensor'
import { exactMatricesOf, type Matrices, webgpuCapabilities } from '@tessera-llm/webgpu'
import type { AttentionProblem } from '../problem.ts'

/** Lanes per workgroup: a multiple of every subgroup size, as subgroup matrices require. */
const lanes = 128
/**
 * Strips of M rows per tile, and elements of a row staged at once; the first pair that fits the workgroup memory is
 * used.
 */
const sizes = [
  [4, 64],
  [4, 32],
  [2, 64],
  [2, 32],
] as const
/** Padding after a row, so that the next starts at 16 bytes and in another bank: as in `stage.wgsl`. */
const padding = 8
const resultPadding = 4
/** Above this, the queries and outputs of a strip do not fit registers. */
const maxHeadDim = 256

export interface MatrixPlan {
  readonly matrices: Matrices
  /** Rows, and keys, of a tile. */
  readonly tile: number
  readonly strips: number
  readonly columns: number
  /** Strips per subgroup, for subgroups of the largest size. */
  readonly stripsEach: number
  /** Elements of the two arrays in workgroup memory. */
  readonly components: number
  readonly results: number
}

/** Returns the matrix plan of a call, or the reason why there is none. */
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
