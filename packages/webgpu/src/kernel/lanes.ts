import type { Capabilities } from '@tessera-llm/tensor'
import { hasFeature, webgpuCapabilities } from '../capability/capabilities.ts'
import type { WebGpuPass } from './kernel.ts'
import lanes from './lanes.wgsl'
import lanesSubgroup from './lanes-subgroup.wgsl'

/** How the lanes of a workgroup work together: through workgroup memory, or first within subgroups. */
export interface Lanes {
  readonly isSubgroup: boolean
  /** Fewest lanes that a subgroup may have. */
  readonly subgroupMinSize: number
  readonly enables: NonNullable<WebGpuPass['enables']>
  /** Declares `Invocation`, what `main` gets beside its workgroup, and `position_of(invocation)`. */
  readonly fragment: string
}

/** Subgroups where the device has them and can say which lane is where; any size will do. A software adapter has them, and gains nothing. */
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
