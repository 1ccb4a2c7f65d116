const brand = Symbol.for('@tessera-llm/error')

/** Error codes, stable across versions: programs branch on the code, people read the message. */
export type ErrorCode =
  | 'invalid-shape'
  | 'invalid-dtype'
  | 'invalid-option'
  | 'invalid-value'
  | 'invalid-file'
  | 'unsupported'
  | 'missing-kernel'
  | 'kernel-abi'
  | 'invalid-kernel'
  | 'device-mismatch'
  | 'device-lost'
  | 'worker-lost'
  | 'out-of-memory'
  | 'disposed'
  | 'aborted'
  | 'not-found'
  | 'network'
  | 'io'
  | 'context-full'

/** Options of a `TesseraError`: details, and the cause. */
export interface TesseraErrorOptions {
  readonly cause?: unknown
  /** Machine-readable facts behind the message: byte offsets, sizes, names. */
  readonly details?: Readonly<Record<string, unknown>>
}

/**
 * The one error class of all packages. The message names the operation, the rule, the actual value and the remedy:
 * `attention: numHeads (12) must be a multiple of numKvHeads (5)`.
 * Recognised by a `Symbol.for` brand, so two installed copies of this package understand each other.
 */
export class TesseraError extends Error {
  override readonly name = 'TesseraError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: TesseraErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
    Object.defineProperty(this, brand, { value: true })
  }
}

/** True for a `TesseraError` of any installed copy; with `code`, only for that code. */
export function isTesseraError(value: unknown, code?: ErrorCode): value is TesseraError {
  if (typeof value !== 'object' || value === null || !(brand in value)) return false
  return code === undefined || (value as { code?: unknown }).code === code
}
