/** Bytes of a tensor that is decoded as a whole, given by ranges. */
export interface WholeReads {
  /** Bytes `[offset, offset + length)` of what `decode` gives, `byteLength` bytes of the tensor `name`. */
  read(
    name: string,
    byteLength: number,
    [offset, length]: readonly [offset: number, length: number],
    decode: (signal?: AbortSignal) => Promise<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<Uint8Array>
}

interface Decoded {
  readonly bytes: Promise<Uint8Array>
  readonly signal: AbortSignal | undefined
  /** Bytes that nobody has asked for yet. */
  left: number
}

/** Decoded tensors that are kept while parts of them are still to be read. */
const mostKept = 2

/**
 * Loaders read large tensors a mebibyte at a time, in order. A tensor is decoded at its first part and kept until as
 * many bytes as it has were asked for, or until parts of two others are: whoever reads in another order may decode
 * again, and gets the same bytes.
 */
export function createWholeReads(): WholeReads {
  const kept = new Map<string, Decoded>()
  return {
    async read(name, byteLength, [offset, length], decode, signal) {
      if (length === byteLength) return decode(signal)
      let decoded = kept.get(name)
      // A read that another caller's signal aborts must not fail this one.
      if (!decoded || decoded.signal !== signal) {
        const started: Decoded = { bytes: decode(signal), signal, left: byteLength }
        started.bytes.catch(() => kept.get(name) === started && kept.delete(name))
        kept.delete(name)
        kept.set(name, started)
        for (const [oldest] of kept) if (kept.size > mostKept) kept.delete(oldest)
        decoded = started
      }
      decoded.left -= length
      if (decoded.left <= 0 && kept.get(name) === decoded) kept.delete(name)
      // A copy: the rest is not to live as long as this part.
      return (await decoded.bytes).slice(offset, offset + length)
    },
  }
}
