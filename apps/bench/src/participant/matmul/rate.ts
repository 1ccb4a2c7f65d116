import { quantile } from '../../statistics/index.ts'

/**
 * Calls per millisecond: the median over batches of about `batchMs`, for `durationMs` in total. A batch is long
 * relative to the clock's resolution, and the median ignores batches that another process interrupted.
 */
export async function medianRate(
  run: () => Promise<void>,
  durationMs = 400,
  batchMs = 2,
  now = (): number => performance.now(),
): Promise<number> {
  const rates: number[] = []
  let calls = 1
  for (const end = now() + durationMs; now() < end || rates.length === 0; ) {
    const begin = now()
    for (let call = 0; call < calls; call++) await run()
    const elapsed = now() - begin
    if (elapsed < batchMs / 2) calls *= 2
    else rates.push(calls / elapsed)
  }
  return quantile(rates, 0.5)
}
