import type { ReceiptEmbeddings, ReceiptQuality } from './receipt.ts'

type Measured = Pick<ReceiptQuality, 'kld' | 'kldStandardErrorClustered' | 'kldStandardError'>

/** Comparison of a repeated measurement with a receipt: `agrees` if `difference` is at most `allowed`. */
export interface Agreement {
  readonly agrees: boolean
  readonly difference: number
  /** Two standard errors. */
  readonly allowed: number
}

/**
 * Whether a repeated measurement of the divergence agrees with that of a receipt, within two of its standard errors.
 */
export function agreesWithin(receipt: Measured, again: Measured): Agreement {
  // A single window has no clustered error: NaN, which JSON holds as null.
  return within(receipt.kld, again.kld, receipt.kldStandardErrorClustered || receipt.kldStandardError)
}

/** Whether a repeated measurement of the mean cosine agrees with that of a receipt. */
export function embeddingsAgreeWithin(
  receipt: Pick<ReceiptEmbeddings, 'cosine' | 'cosineStandardError'>,
  again: Pick<ReceiptEmbeddings, 'cosine'>,
): Agreement {
  return within(receipt.cosine, again.cosine, receipt.cosineStandardError)
}

function within(value: number, again: number, standardError: number): Agreement {
  const difference = Math.abs(again - value)
  const allowed = 2 * standardError
  return { agrees: difference <= allowed, difference, allowed }
}
