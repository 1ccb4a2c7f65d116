import type { Capabilities, WeightSpec } from '@tessera-llm/tensor'
import { type Lanes, lanesOf, webgpuCapabilities } from '@tessera-llm/webgpu'
import type { WeightReader } from '../weight-reader/index.ts'
import gemvRows from './gemv-rows.wgsl'
import laneSum from './lane-sum.wgsl'
import laneSumSubgroup from './lane-sum-subgroup.wgsl'

export const gemvWorkgroup = 64
/** Number of workgroups that keeps the largest GPUs busy. */
const manyWorkgroups = 1024

/** Work distribution over rows in a product with one token. */
export interface GemvPlan {
  /** Adjacent lanes that share rows. */
  readonly lanes: number
  readonly rowsPerLane: 1 | 2 | 4
  /** Rows per workgroup. */
  readonly workgroupRows: number
}

/**
 * Chooses the most lanes per weight row of which at most a third idle in the last round, and as many rows per lane as
 * leave a large GPU enough workgroups. A software adapter gets few lanes: it has few cores and pays for each load and
 * barrier.
 */
export function gemvPlan(rows: number, columns: number, groupSize: number, capabilities: Capabilities): GemvPlan {
  const plan = (lanes: number, rowsPerLane: 1 | 2 | 4): GemvPlan => ({
    lanes,
    rowsPerLane,
    workgroupRows: (gemvWorkgroup / lanes) * rowsPerLane,
  })
  if (webgpuCapabilities(capabilities).isFallback) return plan(4, 4)
  const groups = columns / groupSize
  const lanes = [64, 32, 16, 8].find((count) => Math.ceil(groups / count) * count <= groups * 1.34) ?? 4
  const workgroups = (rows * lanes) / gemvWorkgroup
  return plan(lanes, workgroups >= 4 * manyWorkgroups ? 4 : workgroups >= 2 * manyWorkgroups ? 2 : 1)
}

/** Declares `sums_of(row0, lane)` for the rows of a weight. */
export function gemvRowsOf(reader: WeightReader, weight: WeightSpec): readonly string[] {
  return [
    `const GROUP = ${reader.groupSize(weight)}u;\nconst HAS_MINIMUM = ${reader.hasMinimum(weight) ? 1 : 0}u;`,
    ...reader.fragments(weight),
    gemvRows,
  ]
}

/** Lane layout of a product of one token, and its reduction `lane_sum`. */
export interface GemvLanes extends Lanes {
  /** Declares `lane_sum(position, value)`; a body with several sums instantiates it once per sum. */
  readonly sum: string
  readonly constants: Readonly<Record<'ROWS' | 'LANES' | 'WORKGROUP' | 'IS_WIDE', number>>
}

export function gemvLanes({ lanes, rowsPerLane }: GemvPlan, capabilities: Capabilities): GemvLanes {
  const found = lanesOf(capabilities)
  return {
    ...found,
    sum: found.isSubgroup ? laneSumSubgroup : laneSum,
    constants: {
      ROWS: rowsPerLane,
      LANES: lanes,
      WORKGROUP: gemvWorkgroup,
      IS_WIDE: lanes > found.subgroupMinSize ? 1 : 0,
    },
  }
}
