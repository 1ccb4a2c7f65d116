import type { Checkpoint, TensorData } from '@tessera-llm/formats'
import type { LinearStatistics } from '@tessera-llm/quantization'
import { bytesOf, TesseraError, viewBytes } from '@tessera-llm/tensor'

/** Statistics of one site, and the linear layers that read its input. */
export interface SiteStatistics {
  readonly name: string
  readonly linears: readonly string[]
  readonly statistics: LinearStatistics
}

const fields = ['secondMoment', 'squares', 'sum', 'absSum', 'absMax'] as const

/** Description of a site in the file's header. */
export interface SiteEntry {
  readonly name: string
  readonly linears: readonly string[]
  readonly columns: number
  readonly count: number
}

/** A site's statistics as tensors of a safetensors file: `layers.0.mlp.down.secondMoment` f32 [K, K] and so on. */
export function siteTensors({ name, statistics }: SiteStatistics): readonly TensorData[] {
  const { columns } = statistics
  return fields.flatMap((field): TensorData[] => {
    const values = statistics[field]
    return values
      ? [
          {
            name: `${name}.${field}`,
            shape: field === 'secondMoment' ? [columns, columns] : [columns],
            format: 'f32',
            bytes: bytesOf(values),
          },
        ]
      : []
  })
}

/**
 * Statistics by the name of the linear layer; layers with the same input share them. Each is read from the file when it
 * is requested.
 */
export interface Calibration {
  readonly sites: readonly SiteEntry[]
  statisticsOf(linear: string): Promise<LinearStatistics>
}

/**
 * Opens a file of `calibrate`.
 *
 * @throws TesseraError `invalid-file` for any other file
 */
export function readCalibration(checkpoint: Checkpoint): Calibration {
  const written = checkpoint.metadata['tessera.calibration']
  if (typeof written !== 'string')
    throw new TesseraError('invalid-file', 'calibrate: the file holds no calibration; make it with calibrate')
  const sites = JSON.parse(written) as readonly SiteEntry[]
  return {
    sites,
    async statisticsOf(linear) {
      const site = sites.find(({ linears }) => linears.includes(linear))
      if (!site)
        throw new TesseraError(
          'invalid-value',
          `calibrate: the file has no statistics of ${linear}; it was made of another model`,
        )
      const statistics: Record<string, unknown> = { columns: site.columns, count: site.count }
      for (const field of fields) {
        const stored = checkpoint.tensors.get(`${site.name}.${field}`)
        if (stored) statistics[field] = viewBytes((await stored.read()).slice(), 'f32')
      }
      return statistics as unknown as LinearStatistics
    },
  }
}
