import type { StringCollector } from '../strings/collect-strings.ts'
import type { ByteSource } from './source.ts'

/** A leading U+FEFF is a character like any other: some vocabularies have it. */
export const utf8: TextDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const firstChunkBytes = 64 * 1024
const maxChunkBytes = 4 * 1024 * 1024

/**
 * Reads a file's header front to back in growing chunks and keeps only the chunk in use. Callers `reserve` what they are
 * about to take; the getters then take it without waiting.
 */
export class Cursor {
  private readonly source: ByteSource
  private readonly end: number
  private readonly signal: AbortSignal | undefined
  private bytes: Uint8Array = new Uint8Array(0)
  private view: DataView = new DataView(new ArrayBuffer(0))
  private start = 0
  private at = 0
  private chunkBytes = firstChunkBytes

  /** Never reads beyond byte `limit`; the caller asks for nothing there. */
  constructor(source: ByteSource, limit: number, signal?: AbortSignal) {
    this.source = source
    this.signal = signal
    this.end = Math.min(limit, source.size)
  }

  /** Position in the file of the byte that comes next. */
  get offset(): number {
    return this.start + this.at
  }

  /** Bytes from here to the end of the file. */
  get left(): number {
    return this.source.size - this.offset
  }

  /** True when `length` bytes can be taken without reading; otherwise call `reserve`. */
  has(length: number): boolean {
    return this.at + length <= this.bytes.length
  }

  /** Makes the next `length` bytes available. The caller has checked that there are as many. */
  async reserve(length: number): Promise<void> {
    if (this.has(length)) return
    const offset = this.offset
    const wanted = Math.min(Math.max(length, this.chunkBytes), this.end - offset)
    this.chunkBytes = Math.min(this.chunkBytes * 4, maxChunkBytes)
    this.bytes = await this.source.read(offset, wanted, this.signal)
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength)
    this.start = offset
    this.at = 0
  }

  u8(): number {
    return this.view.getUint8(this.at++)
  }

  i8(): number {
    return this.view.getInt8(this.at++)
  }

  u16(): number {
    this.at += 2
    return this.view.getUint16(this.at - 2, true)
  }

  i16(): number {
    this.at += 2
    return this.view.getInt16(this.at - 2, true)
  }

  u32(): number {
    this.at += 4
    return this.view.getUint32(this.at - 4, true)
  }

  i32(): number {
    this.at += 4
    return this.view.getInt32(this.at - 4, true)
  }

  f32(): number {
    this.at += 4
    return this.view.getFloat32(this.at - 4, true)
  }

  f64(): number {
    this.at += 8
    return this.view.getFloat64(this.at - 8, true)
  }

  /** A number where that is exact, a `bigint` beyond 2^53 − 1. */
  u64(): number | bigint {
    this.at += 8
    const high = this.view.getUint32(this.at - 4, true)
    if (high < 0x20_0000) return high * 2 ** 32 + this.view.getUint32(this.at - 8, true)
    return this.view.getBigUint64(this.at - 8, true)
  }

  /** A number where that is exact, a `bigint` beyond ±(2^53 − 1). */
  i64(): number | bigint {
    this.at += 8
    const value = this.view.getBigInt64(this.at - 8, true)
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }

  /**
   * Places the strings with their 64-bit lengths that come next in `into`, at most `count`, while they are at hand, shorter than 128 bytes and
   * valid UTF-8, and takes them. Where they are not all valid it takes none and returns how many there are, to be taken one by one; otherwise 0.
   * Vocabularies are hundreds of thousands of strings: lengths below 128 are text themselves, so one call checks all of them.
   */
  stringsAtHand(count: number, into: StringCollector): number {
    const { bytes, view, at: first } = this
    const before = into.count
    const last = bytes.length - 8
    let end = first
    for (let left = count; left > 0 && end <= last; left--) {
      const length = bytes[end] as number
      if (
        length >= 128 ||
        view.getUint32(end + 1, true) !== 0 ||
        view.getUint32(end + 4, true) !== 0 ||
        end + 8 + length > bytes.length
      )
        break
      into.place(end + 8 - first, end + 8 + length - first)
      end += 8 + length
    }
    const piece = bytes.subarray(first, end)
    if (!isUtf8(piece)) {
      const found = into.count - before
      into.back(before)
      return found
    }
    into.add(piece)
    this.at = end
    return 0
  }

  /** Appends to `out` the numbers that come next, at most `count`, while they are at hand; returns how many. */
  numbersAtHand(type: 'i32' | 'f32', count: number, out: number[]): number {
    const some = Math.min(count, (this.bytes.length - this.at) >> 2)
    const end = this.at + 4 * some
    if (type === 'i32') for (let at = this.at; at < end; at += 4) out.push(this.view.getInt32(at, true))
    else for (let at = this.at; at < end; at += 4) out.push(this.view.getFloat32(at, true))
    this.at = end
    return some
  }

  /** The next `length` bytes as a view that is valid until the next `reserve`. */
  take(length: number): Uint8Array {
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    utf8.decode(bytes)
    return true
  } catch {
    return false
  }
}
