import type { StringTable } from '@tessera-llm/formats'

/** Index of a table's strings by their bytes. The first of equal strings counts. */
export interface StringIndex {
  readonly table: StringTable
  /** Position of the string `text`. */
  find(text: string): number | undefined
  /** Position of the concatenation of two ranges of `bytes`. */
  findJoined(bytes: Uint8Array, begin: number, middle: number, next: number, end: number): number | undefined
  /** Whether all strings differ. */
  isUnique(): boolean
}

/**
 * A hash table in typed arrays (open addressing), which creates no object for each string. It is filled on the first
 * lookup, so that loading a model does not wait for it.
 */
export function createStringIndex(table: StringTable, basis: number = drawBasis()): StringIndex {
  const scratch = createScratch()
  let filled: Slots | undefined
  const slots = (): Slots => (filled ??= fill(table, basis))
  return {
    table,
    find(text) {
      const end = scratch.write(text)
      return end < 0
        ? undefined
        : search(slots(), table, hashOf(scratch.bytes(), 0, end, basis), scratch.bytes(), 0, end, end, end)
    },
    findJoined: (bytes, begin, middle, next, end) =>
      search(
        slots(),
        table,
        hashOf(bytes, next, end, hashOf(bytes, begin, middle, basis)),
        bytes,
        begin,
        middle,
        next,
        end,
      ),
    isUnique: () => slots().isUnique,
  }
}

interface Slots {
  /** Positions plus one; 0 marks a free entry. */
  readonly positions: Int32Array
  readonly hashes: Int32Array
  readonly isUnique: boolean
}

function fill(table: StringTable, basis: number): Slots {
  const { length, bytes, starts, ends } = table
  const size = 2 ** Math.ceil(Math.log2(2 * length + 2))
  const positions = new Int32Array(size)
  const hashes = new Int32Array(size)
  let isUnique = true
  for (let position = 0; position < length; position++) {
    const begin = starts[position] as number
    const end = ends[position] as number
    const hash = hashOf(bytes, begin, end, basis)
    let slot = hash & (size - 1)
    while (
      positions[slot] !== 0 &&
      !(hashes[slot] === hash && isAt(table, (positions[slot] as number) - 1, bytes, begin, end, end, end))
    )
      slot = (slot + 1) & (size - 1)
    if (positions[slot] === 0) {
      positions[slot] = position + 1
      hashes[slot] = hash
    } else isUnique = false
  }
  return { positions, hashes, isUnique }
}

function search(
  { positions, hashes }: Slots,
  table: StringTable,
  hash: number,
  from: Uint8Array,
  begin: number,
  middle: number,
  next: number,
  end: number,
): number | undefined {
  const mask = positions.length - 1
  for (let slot = hash & mask; positions[slot] !== 0; slot = (slot + 1) & mask) {
    if (hashes[slot] !== hash) continue
    const position = (positions[slot] as number) - 1
    if (isAt(table, position, from, begin, middle, next, end)) return position
  }
  return undefined
}

/** Whether the string at a position consists of the bytes of the two ranges. */
function isAt(
  { bytes, starts, ends }: StringTable,
  position: number,
  from: Uint8Array,
  begin: number,
  middle: number,
  next: number,
  end: number,
): boolean {
  const start = starts[position] as number
  if ((ends[position] as number) - start !== middle - begin + end - next) return false
  let at = start
  for (let other = begin; other < middle; other++) if (bytes[at++] !== from[other]) return false
  for (let other = next; other < end; other++) if (bytes[at++] !== from[other]) return false
  return true
}

/** A random basis for each index keeps the author of a file from choosing strings that all collide. */
function drawBasis(): number {
  return Math.floor(Math.random() * 2 ** 32) | 0
}

/** 32-bit FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/). */
function hashOf(bytes: Uint8Array, begin: number, end: number, before: number): number {
  let hash = before
  for (let at = begin; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x0100_0193)
  return hash
}

/** Buffer for the UTF-8 of looked-up texts. */
function createScratch(): { bytes(): Uint8Array; write(text: string): number } {
  let bytes = new Uint8Array(256)
  return {
    bytes: () => bytes,
    /** Writes the bytes of a text from 0 on and returns their number; −1 for lone surrogates, which have no UTF-8. */
    write(text) {
      if (bytes.length < 3 * text.length) bytes = new Uint8Array(6 * text.length)
      let end = 0
      for (let index = 0; index < text.length; index++) {
        let code = text.charCodeAt(index)
        if (code < 0x80) {
          bytes[end++] = code
          continue
        }
        if (code < 0x800) {
          bytes[end++] = 0xc0 | (code >> 6)
          bytes[end++] = 0x80 | (code & 63)
          continue
        }
        if (code >= 0xd800 && code < 0xe000) {
          const low = text.charCodeAt(++index)
          if (code >= 0xdc00 || !(low >= 0xdc00 && low < 0xe000)) return -1
          code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00)
          bytes[end++] = 0xf0 | (code >> 18)
          bytes[end++] = 0x80 | ((code >> 12) & 63)
        } else bytes[end++] = 0xe0 | (code >> 12)
        bytes[end++] = 0x80 | ((code >> 6) & 63)
        bytes[end++] = 0x80 | (code & 63)
      }
      return end
    },
  }
}
