import { invalidFile, quoted } from '../checkpoint/invalid-file.ts'
import type { ByteSource } from '../source/source.ts'
import { Cursor, utf8 } from '../source/cursor.ts'
import type { GgufLimits } from './limits.ts'
import type { GgufArray, GgufScalarType, GgufValue, GgufValueType } from './metadata.ts'
import { StringCollector } from '../strings/collect-strings.ts'
import { ggufValueTypes, minValueBytes, stringArray } from './metadata.ts'

/** Reads the fields of a GGUF header in order; checks every count before allocating for it. */
export class HeaderReader {
  private readonly cursor: Cursor
  private readonly file: string
  private readonly limits: GgufLimits
  private elements = 0

  constructor(source: ByteSource, limits: GgufLimits, signal?: AbortSignal) {
    this.cursor = new Cursor(source, limits.headerBytes, signal)
    this.file = source.name
    this.limits = limits
  }

  get offset(): number {
    return this.cursor.offset
  }

  invalid(field: string, byteOffset: number, problem: string): Error {
    return invalidFile(this.file, field, byteOffset, problem)
  }

  /** Makes sure that the file has `length` more bytes and that they are buffered. */
  async need(length: number, field: string): Promise<void> {
    if (this.cursor.has(length)) return
    const { offset, left } = this.cursor
    if (length > left)
      throw this.invalid(field, offset, `needs ${length} bytes, but the file ends after ${left} (truncated?)`)
    if (offset + length > this.limits.headerBytes)
      throw this.invalid(field, offset, `the header is longer than the limit of ${this.limits.headerBytes} bytes`)
    await this.cursor.reserve(length)
  }

  async u32(field: string): Promise<number> {
    await this.need(4, field)
    return this.cursor.u32()
  }

  /**
   * Reads a 64-bit count of at most `limit` items, each of which takes at least `unitBytes` in the rest of the file.
   */
  async count(field: string, limit: number, unit: string, unitBytes: number = 0): Promise<number> {
    await this.need(8, field)
    const at = this.offset
    const value = this.cursor.u64()
    if (typeof value === 'bigint' || value > limit)
      throw this.invalid(field, at, `${value} ${unit} are more than the limit of ${limit}`)
    if (value * unitBytes > this.cursor.left) {
      throw this.invalid(
        field,
        at,
        `${value} ${unit} need more than the ${this.cursor.left} bytes that are left in the file (truncated?)`,
      )
    }
    return value
  }

  /** Reads a 64-bit unsigned number that must be exact in double precision. */
  async exact(field: string): Promise<number> {
    return this.count(field, Number.MAX_SAFE_INTEGER, 'units')
  }

  async string(field: string, limit: number): Promise<string> {
    return this.decode(await this.bytes(field, limit), field)
  }

  /** Reads the bytes of a string, checked. */
  private async text(field: string, limit: number): Promise<Uint8Array> {
    const bytes = await this.bytes(field, limit)
    this.decode(bytes, field)
    return bytes
  }

  private async bytes(field: string, limit: number): Promise<Uint8Array> {
    const length = await this.count(`length of ${field}`, limit, 'bytes')
    await this.need(length, field)
    return this.cursor.take(length)
  }

  /** Decodes the bytes that were taken last. */
  private decode(bytes: Uint8Array, field: string): string {
    try {
      return utf8.decode(bytes)
    } catch {
      throw this.invalid(field, this.offset - bytes.length, 'is not valid UTF-8')
    }
  }

  async valueType(field: string): Promise<GgufValueType> {
    const at = this.offset
    const number = await this.u32(field)
    const type = ggufValueTypes[number]
    if (type === undefined)
      throw this.invalid(field, at, `${number} is no metadata type (0 to ${ggufValueTypes.length - 1} are)`)
    return type
  }

  async value(key: string): Promise<GgufValue> {
    const field = `metadata ${quoted(key)}`
    const type = await this.valueType(`type of ${field}`)
    if (type === 'array') return this.array(field, 1)
    await this.need(minValueBytes[type], field)
    const value = type === 'string' ? await this.string(field, this.limits.stringBytes) : this.scalar(type, field)
    return { type, value } as GgufValue
  }

  /** Reads an array after its type. */
  private async array(field: string, depth: number): Promise<GgufArray> {
    if (depth > this.limits.arrayDepth)
      throw this.invalid(field, this.offset, `arrays are nested deeper than the limit of ${this.limits.arrayDepth}`)
    const items = await this.valueType(`element type of ${field}`)
    const length = await this.count(
      `length of ${field}`,
      this.limits.arrayElements - this.elements,
      'elements',
      minValueBytes[items],
    )
    this.elements += length
    if (items === 'array') {
      const value: GgufArray[] = []
      for (let i = 0; i < length; i++) value.push(await this.array(`${field}[${i}]`, depth + 1))
      return { type: 'array', items, value }
    }
    if (items === 'string') {
      const strings = new StringCollector(length)
      while (strings.count < length) {
        const invalid = this.cursor.stringsAtHand(length - strings.count, strings)
        // The next string is not buffered or is long, or one of a batch is invalid; reading one by one finds it.
        for (const stop = Math.min(length, strings.count + Math.max(1, invalid)); strings.count < stop; ) {
          const bytes = await this.text(`${field}[${strings.count}]`, this.limits.stringBytes)
          strings.place(0, bytes.length)
          strings.add(bytes)
        }
      }
      return stringArray(strings.finish())
    }
    const value: (number | bigint | boolean)[] = []
    const bytes = minValueBytes[items]
    for (let i = 0; i < length; i++) {
      if (items === 'i32' || items === 'f32') i += this.cursor.numbersAtHand(items, length - i, value as number[])
      if (i === length) break
      if (!this.cursor.has(bytes)) await this.need(bytes, `${field}[${i}]`)
      value.push(this.scalar(items, field))
    }
    return { type: 'array', items, value }
  }

  /** Reads a buffered value of fixed size. */
  private scalar(type: Exclude<GgufScalarType, 'string'>, field: string): number | bigint | boolean {
    if (type !== 'bool') return this.cursor[type]()
    const at = this.offset
    const value = this.cursor.u8()
    if (value > 1) throw this.invalid(field, at, `${value} is no boolean (0 and 1 are)`)
    return value === 1
  }
}
