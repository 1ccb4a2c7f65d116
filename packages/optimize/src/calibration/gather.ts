import type { LinearStatistics } from '@tessera-llm/quantization'
import { type Device, lastAxis } from '@tessera-llm/tensor'
import type { Site, Stream } from '../program/index.ts'
import { createDeviceGatherer } from './device-gatherer.ts'
import { createHostGatherer } from './host-gatherer.ts'

export interface GatherOptions {
  /** The same stream of the uncompressed model: adds the mismatch. */
  readonly aim?: Stream | undefined
  /** Whether to gather second moments beside the sums. Default true. */
  readonly products?: boolean | undefined
  readonly onWindow?: (() => void) | undefined
}

/** Gathers the statistics of a site over all windows of a stream that has reached it. */
export async function gatherSite(
  device: Device,
  { name, input }: Site,
  windows: number,
  stream: Stream,
  { aim, products = true, onWindow }: GatherOptions = {},
): Promise<LinearStatistics> {
  const settings = { site: name, columns: lastAxis(input.shape), products }
  const gatherer = createDeviceGatherer(device, settings) ?? createHostGatherer(device, settings)
  try {
    for (let window = 0; window < windows; window++) {
      const x = stream.tensor(window, input)
      const aimed = aim?.tensor(window, input)
      try {
        await gatherer.add(x, aimed)
      } finally {
        x.dispose()
        aimed?.dispose()
      }
      onWindow?.()
    }
    return await gatherer.statistics()
  } finally {
    gatherer.dispose()
  }
}
