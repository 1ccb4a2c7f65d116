import type { LinearStatistics } from '@tessera-llm/quantization'
import { type Tensor, TesseraError } from '@tessera-llm/tensor'

/** Sums over the inputs of one site, window after window: products are the device's, in f32, sums over windows float64. */
export interface Gatherer {
  /** Adds a window: x f32 [..., K]; with `original`, what the uncompressed model has in its place, the mismatch too. */
  add(x: Tensor, original?: Tensor): Promise<void>
  statistics(): Promise<LinearStatistics>
  dispose(): void
}

export interface GathererOptions {
  /** Of the site, for messages. */
  readonly site: string
  readonly columns: number
  /** Whether second moments are wanted, or the sums alone. */
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
