import type { Capabilities, WeightSpec } from '@tessera-llm/tensor'
import { webgpuCapabilities } from '@tessera-llm/webgpu'
import type { WeightReader } from '../weight-reader/index.ts'
import gemvRows from './gemv-rows.wgsl'
import laneSum from './lane-sum.wgsl'
import lanesSource from './lanes.wgsl'

export const gemvWorkgroup = 64
/** Workgroups that keep the largest GPUs busy. */
const manyWorkgroups = 1024

/** How rows of weights are shared out in a product with one token. */
export interface GemvPlan {
  /** Neighbouring lanes that share rows. */
  readonly lanes: number
  readonly rowsPerLane: 1 | 2 | 4
  /** Rows of a workgroup. */
  readonly workgroupRows: number
}

/**
 * Lanes that share a weight row: the most of which at most a third idles in the last round. Rows per lane: as many as leave a large GPU
 * enough workgroups. A software adapter has few cores and pays for each load and each barrier.
 */
export function gemvPlan(rows: number, columns: number, groupSize: number, capabilities: Capabilities): GemvPlan {
  const plan = (lanes: number, rowsPerLane: 1 | 2 | 4): GemvPlan => ({ lanes, rowsPerLane, workgroupRows: (gemvWorkgroup / lanes) * rowsPerLane })
  if (webgpuCapabilities(capabilities).isFallback) return plan(4, 4)
  const groups = columns / groupSize
  const lanes = [64, 32, 16, 8].find((count) => Math.ceil(groups / count) * count <= groups * 1.34) ?? 4
  const workgroups = (rows * lanes) / gemvWorkgroup
  return plan(lanes, workgroups >= 4 * manyWorkgroups ? 4 : workgroups >= 2 * manyWorkgroups ? 2 : 1)
}

/** Declares `sums_of(row0, lane)` for the rows of a weight. */
export function gemvRowsOf(reader: WeightReader, weight: WeightSpec): readonly string[] {
  return [`const GROUP = ${reader.groupSize(weight)}u;\nconst HAS_MINIMUM = ${reader.hasMinimum(weight) ? 1 : 0}u;`, ...reader.fragments(weight), gemvRows]
}

/** How the lanes of a workgroup add up: once for each of `sums`, which are names of functions like `lane_sum`. */
export interface LaneFragments {
  readonly place: string
  readonly sum: string
}

export function laneFragments(): LaneFragments {
  return { place: lanesSource, sum: laneSum }
}
