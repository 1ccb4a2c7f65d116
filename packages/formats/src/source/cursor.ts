import type { StringCollector } from '../strings/collect-strings.ts'
import type { ByteSource } from './source.ts'

/** Keeps a leading U+FEFF, which some vocabularies contain. */
export const utf8: TextDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const firstChunkBytes = 64 * 1024
const maxChunkBytes = 4 * 1024 * 1024

/**
 * Reads a file's header front to back in growing chunks and keeps only the current chunk. Callers `reserve` the bytes
 * that they are about to take; the getters then take them synchronously.
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

  /** File offset of the next byte. */
  get offset(): number {
    return this.start + this.at
  }

  /** Bytes from here to the end of the file. */
  get left(): number {
    return this.source.size - this.offset
  }

  /** Whether `length` bytes can be taken without reading; otherwise call `reserve`. */
  has(length: number): boolean {
    return this.at + length <= this.bytes.length
  }

  /** Makes the next `length` bytes available. The caller has checked that the file has as many. */
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

  /** Reads a u64: a number if exact, a `bigint` beyond 2^53 − 1. */
  u64(): number | bigint {
    this.at += 8
    const high = this.view.getUint32(this.at - 4, true)
    if (high < 0x20_0000) return high * 2 ** 32 + this.view.getUint32(this.at - 8, true)
    return this.view.getBigUint64(this.at - 8, true)
  }

  /** Reads an i64: a number if exact, a `bigint` beyond ±(2^53 − 1). */
  i64(): number | bigint {
    this.at += 8
    const value = this.view.getBigInt64(this.at - 8, true)
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }

  /**
   * Takes at most `count` length-prefixed strings and places them in `into`, while they are buffered, shorter than 128
   * bytes and valid UTF-8. If some are invalid, takes none and returns their number, so that the caller reads them one
   * by one; otherwise returns 0. Vocabularies have hundreds of thousands of strings: lengths below 128 are valid text
   * themselves, so one call validates all of them.
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

  /** Appends at most `count` buffered numbers to `out`; returns how many. */
  numbersAtHand(type: 'i32' | 'f32', count: number, out: number[]): number {
    const some = Math.min(count, (this.bytes.length - this.at) >> 2)
    const end = this.at + 4 * some
    if (type === 'i32') for (let at = this.at; at < end; at += 4) out.push(this.view.getInt32(at, true))
    else for (let at = this.at; at < end; at += 4) out.push(this.view.getFloat32(at, true))
    this.at = end
    return some
  }

  /** Takes the next `length` bytes as a view that is valid until the next `reserve`. */
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
