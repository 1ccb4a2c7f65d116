import type { StringTable } from './string-table.ts'

/** Builds a table from pieces of a file as they are read. */
export class StringCollector {
  /** Strings so far. */
  count = 0
  private readonly starts: Uint32Array
  private readonly ends: Uint32Array
  private readonly pieces: Uint8Array[] = []
  private byteLength = 0

  constructor(length: number) {
    this.starts = new Uint32Array(length)
    this.ends = new Uint32Array(length)
  }

  /** Records that the next string spans `start` … `end` − 1 of the next piece. */
  place(start: number, end: number): void {
    this.starts[this.count] = this.byteLength + start
    this.ends[this.count] = this.byteLength + end
    this.count += 1
  }

  /** Removes the strings placed since there were `count`. */
  back(count: number): void {
    this.count = count
  }

  /** Adds the piece in which strings were placed; its bytes must not change until `finish`. */
  add(piece: Uint8Array): void {
    this.pieces.push(piece)
    this.byteLength += piece.length
  }

  finish(): StringTable {
    const bytes = new Uint8Array(this.byteLength)
    let at = 0
    for (const piece of this.pieces) {
      bytes.set(piece, at)
      at += piece.length
    }
    return { length: this.count, bytes, starts: this.starts, ends: this.ends }
  }
}
