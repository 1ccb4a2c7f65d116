import type { Capabilities } from '@tessera-llm/tensor'
import { hasFeature, webgpuCapabilities } from '../capability/capabilities.ts'
import type { WebGpuPass } from './kernel.ts'
import lanes from './lanes.wgsl'
import lanesSubgroup from './lanes-subgroup.wgsl'

/** Cooperation of the lanes of a workgroup: through workgroup memory, or first within subgroups. */
export interface Lanes {
  readonly isSubgroup: boolean
  /** Smallest subgroup size. */
  readonly subgroupMinSize: number
  readonly enables: NonNullable<WebGpuPass['enables']>
  /** Declares `Invocation`, the input of `main` beside its workgroup, and `position_of(invocation)`. */
  readonly fragment: string
}

/**
 * Uses subgroups of any size if the device has them and can tell which lane is where; a software adapter gains nothing
 * from them.
 */
export function lanesOf(capabilities: Capabilities): Lanes {
  const { isFallback, languageFeatures, subgroupMinSize } = webgpuCapabilities(capabilities)
  const isSubgroup =
    !isFallback &&
    hasFeature(capabilities, 'subgroups') &&
    languageFeatures.includes('subgroup_id') &&
    subgroupMinSize >= 4
  return {
    isSubgroup,
    subgroupMinSize,
    enables: isSubgroup ? ['subgroups'] : [],
    fragment: isSubgroup ? lanesSubgroup : lanes,
  }
}
