import type { ReceiptQuality } from './receipt.ts'

type Measured = Pick<ReceiptQuality, 'kld' | 'kldStandardErrorClustered' | 'kldStandardError'>

/** Whether a divergence that was measured again agrees with the one of a receipt: within two of its standard errors. */
export function agreesWithin(receipt: Measured, again: Measured): { readonly agrees: boolean; readonly difference: number; readonly allowed: number } {
  // One window has no clustered error, which JSON holds as null.
  const error = receipt.kldStandardErrorClustered || receipt.kldStandardError
  const difference = Math.abs(again.kld - receipt.kld)
  const allowed = 2 * error
  return { agrees: difference <= allowed, difference, allowed }
}
