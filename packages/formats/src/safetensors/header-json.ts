import { invalidFile, quoted } from '../checkpoint/invalid-file.ts'
import { utf8 } from '../source/cursor.ts'

/** Largest nesting of skipped values. */
const maxDepth = 32
/** Most bytes of a number; more digits add no information. */
const maxWordBytes = 64
/** Most keys of one object: far beyond the tensors of any model, far below what a `Set` can hold. */
const maxKeys = 1_000_000

/**
 * Parses JSON of a known schema from bytes with byte offsets. `JSON.parse` would lose the offsets of errors, let the
 * last of two equal keys win, and build arbitrary nesting before anything can be checked.
 */
export class HeaderJson {
  private readonly bytes: Uint8Array
  private readonly file: string
  /** File offset of the first of `bytes`. */
  private readonly start: number
  private at = 0

  constructor(bytes: Uint8Array, file: string, start: number) {
    this.bytes = bytes
    this.file = file
    this.start = start
  }

  /** Byte offset in the file of the next token. */
  get offset(): number {
    this.skipSpace()
    return this.start + this.at
  }

  invalid(field: string, byteOffset: number, problem: string): Error {
    return invalidFile(this.file, field, byteOffset, problem)
  }

  /** Calls `entry` for each key of an object, with the reader at the value. Throws for duplicate keys. */
  object(field: string, entry: (key: string, keyOffset: number) => void): void {
    this.expect('{', field)
    if (this.take('}')) return
    const keys = new Set<string>()
    do {
      const at = this.offset
      const key = this.string(`key in ${field}`)
      if (keys.has(key)) throw this.invalid(`${quoted(key)} in ${field}`, at, 'appears twice')
      if (keys.size === maxKeys) throw this.invalid(field, at, `has more than ${maxKeys} keys`)
      keys.add(key)
      this.expect(':', field)
      entry(key, at)
    } while (this.take(','))
    this.expect('}', field)
  }

  string(field: string): string {
    this.expect('"', field)
    const begin = this.at - 1
    let escaped = false
    for (; this.at < this.bytes.length; this.at++) {
      const byte = this.bytes[this.at]
      if (byte === 0x22) break
      if (byte === 0x5c) {
        escaped = true
        this.at++
      }
    }
    if (this.at >= this.bytes.length) throw this.invalid(field, this.start + begin, 'is a string without an end')
    this.at++
    try {
      const text = utf8.decode(this.bytes.subarray(begin, this.at))
      return escaped || hasControl(text) ? (JSON.parse(text) as string) : text.slice(1, -1)
    } catch {
      throw this.invalid(field, this.start + begin, 'is not a valid JSON string')
    }
  }

  /** Reads a string, number or boolean; `undefined` for any other value, which is checked and skipped. */
  scalar(field: string, depth: number = 0): string | number | boolean | undefined {
    const at = this.offset
    const byte = this.bytes[this.at]
    if (byte === 0x22) return this.string(field)
    if (byte === 0x7b || byte === 0x5b) {
      if (depth >= maxDepth) throw this.invalid(field, at, `is nested deeper than ${maxDepth}`)
      if (byte === 0x7b) this.object(field, () => this.scalar(field, depth + 1))
      else this.array(field, () => this.scalar(field, depth + 1))
      return undefined
    }
    const begin = this.at
    while (isWord(this.bytes[this.at])) this.at++
    const word = utf8.decode(this.bytes.subarray(begin, Math.min(this.at, begin + maxWordBytes)))
    if (word === 'null') return undefined
    if (word === 'true' || word === 'false') return word === 'true'
    const number = word === '' ? Number.NaN : Number(word)
    if (!Number.isFinite(number)) throw this.invalid(field, at, `expected a JSON value, found ${this.here()}`)
    return number
  }

  /** An array of at most `limit` non-negative integers that are exact in double precision. */
  integers(field: string, limit: number): number[] {
    const values: number[] = []
    this.array(field, () => {
      if (values.length === limit) throw this.invalid(field, this.offset, `has more than ${limit} elements`)
      values.push(this.integer(field))
    })
    return values
  }

  /** Throws unless nothing but spaces follows. */
  end(field: string): void {
    if (this.offset !== this.start + this.bytes.length)
      throw this.invalid(field, this.offset, `${this.here()} follows the end`)
  }

  private array(field: string, element: () => void): void {
    this.expect('[', field)
    if (this.take(']')) return
    do element()
    while (this.take(','))
    this.expect(']', field)
  }

  private integer(field: string): number {
    const at = this.offset
    const begin = this.at
    let value = 0
    for (
      let byte = this.bytes[this.at];
      byte !== undefined && byte >= 0x30 && byte <= 0x39;
      byte = this.bytes[++this.at]
    ) {
      value = value * 10 + (byte - 0x30)
      if (value > Number.MAX_SAFE_INTEGER) throw this.invalid(field, at, 'is larger than 2^53 − 1')
    }
    if (this.at === begin) throw this.invalid(field, at, `expected a non-negative integer, found ${this.here()}`)
    return value
  }

  private skipSpace(): void {
    for (
      let byte = this.bytes[this.at];
      byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
      byte = this.bytes[++this.at]
    );
  }

  private take(character: string): boolean {
    this.skipSpace()
    if (this.bytes[this.at] !== character.charCodeAt(0)) return false
    this.at++
    return true
  }

  private expect(character: string, field: string): void {
    if (!this.take(character))
      throw this.invalid(field, this.offset, `expected ${quoted(character)}, found ${this.here()}`)
  }

  private here(): string {
    const byte = this.bytes[this.at]
    if (byte === undefined) return 'the end of the header'
    return byte > 0x20 && byte < 0x7f
      ? `"${String.fromCharCode(byte)}"`
      : `byte 0x${byte.toString(16).padStart(2, '0')}`
  }
}

/** Bytes of numbers and of `true`, `false`, `null`. */
function isWord(byte: number | undefined): boolean {
  return byte !== undefined && /[0-9a-zE+.-]/.test(String.fromCharCode(byte))
}

/** JSON forbids raw control characters in strings; `JSON.parse` then reports the error. */
function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20) return true
  return false
}
