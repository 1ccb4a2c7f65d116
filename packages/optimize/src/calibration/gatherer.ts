import type { LinearStatistics } from '@tessera-llm/quantization'
import { type Tensor, TesseraError } from '@tessera-llm/tensor'

/**
 * Accumulates statistics of one site's inputs over windows: products in f32 on the device, sums over windows in f64.
 */
export interface Gatherer {
  /**
   * Adds a window: x f32 [..., K]; with `original`, the uncompressed model's input at the same place, the mismatch too.
   */
  add(x: Tensor, original?: Tensor): Promise<void>
  statistics(): Promise<LinearStatistics>
  dispose(): void
}

export interface GathererOptions {
  /** Name of the site, for messages. */
  readonly site: string
  readonly columns: number
  /** Whether to gather second moments beside the sums. */
  readonly products: boolean
}

/** @throws TesseraError `invalid-value` */
export function checkSums(sum: Float64Array, site: string): void {
  if (sum.every(Number.isFinite)) return
  throw new TesseraError(
    'invalid-value',
    `calibrate: the inputs of ${site} hold NaN or infinities; the model overflows on this text, or a step before made it do so`,
  )
}
