import type { LinearStatistics } from '@tessera-llm/quantization'
import type { Device } from '@tessera-llm/tensor'
import { gatherSite } from '../calibration/index.ts'
import { createStream, type Program, type Stream } from '../program/index.ts'
import { needsSecondMoment } from '../quantize/index.ts'
import type { QuantizeStep } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import type { Assignments } from './assignments.ts'
import type { CompensatedBiases } from './compensated-biases.ts'
import type { Estimate } from './estimate.ts'

interface Pass {
  readonly device: Device
  readonly program: Program
  readonly windows: readonly (readonly number[])[]
  readonly subject: Subject
  readonly assignments: Assignments
  readonly calibrated: ReadonlySet<string>
  readonly estimate: Estimate
  compress(name: string, statistics: LinearStatistics): Promise<void>
  read(name: string, isCompressed: boolean): Promise<Float32Array>
  readonly biases: CompensatedBiases
  readonly signal: AbortSignal | undefined
}

/**
 * Advances the windows from site to site: gathers the statistics of a site's input, compresses the layers that read it,
 * and continues through the compressed layers.
 */
export async function compressInOrder({
  device,
  program,
  windows,
  subject,
  assignments,
  calibrated,
  estimate,
  compress,
  read,
  biases,
  signal,
}: Pass): Promise<void> {
  const sites = program.sites.filter(({ linears }) =>
    linears.some((name) => calibrated.has(name) && !estimate.isDone(name)),
  )
  const corrects = [...calibrated].some((name) => assignments.get(name)?.correct)
  const streamOf = (isCompressed: boolean): Stream =>
    createStream({
      device,
      program,
      windows,
      signal,
      weight: async (name) => device.tensor(await read(name, isCompressed), subject.weights.get(name)?.shape ?? []),
      vector: isCompressed ? biases.read : undefined,
    })
  const stream = streamOf(true)
  const aim = corrects ? streamOf(false) : undefined
  try {
    for (const site of sites) {
      const pending = site.linears.filter((name) => calibrated.has(name))
      for (const each of aim ? [aim, stream] : [stream]) {
        const from = each.step
        await each.advance(site.step, () => estimate.advanced(site.name, from, site.step))
      }
      const statistics = await gatherSite(device, site, windows.length, stream, {
        aim,
        products: pending.some((name) => needsSecondMoment(assignments.get(name) as QuantizeStep)),
        onWindow: () => estimate.gathered(site),
      })
      for (const name of pending) await compress(name, statistics)
    }
  } finally {
    stream.dispose()
    aim?.dispose()
  }
}
