import type { ReceiptEmbeddings, ReceiptQuality } from './receipt.ts'

type Measured = Pick<ReceiptQuality, 'kld' | 'kldStandardErrorClustered' | 'kldStandardError'>

export interface Agreement {
  readonly agrees: boolean
  readonly difference: number
  /** Two standard errors. */
  readonly allowed: number
}

/** Whether a divergence that was measured again agrees with the one of a receipt: within two of its standard errors. */
export function agreesWithin(receipt: Measured, again: Measured): Agreement {
  // One window has no clustered error, which JSON holds as null.
  return within(receipt.kld, again.kld, receipt.kldStandardErrorClustered || receipt.kldStandardError)
}

/** The same for the mean cosine of an encoder's vectors. */
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
