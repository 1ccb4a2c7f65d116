import { type BlockType, createBlock } from './block-type.ts'

/** Replaces the codes of stored blocks, scales staying as they are. */
export interface CodeWriter {
  /** The values that a code can have, rising. */
  readonly codes: readonly number[]
  /** Writes codes i8[blockSize], each one of `codes`, into the block at `offset`. */
  write(codes: Int8Array, bytes: Uint8Array, offset: number): void
}

/** Position of an element's code bits, and which bits form which code. */
interface Element {
  readonly places: readonly number[]
  readonly patterns: ReadonlyMap<number, number>
}

/**
 * Finds out how a block type stores codes by setting single bits and looking which code `unpack` sees changed: so it
 * holds for every type that stores codes as bits of their own, and cannot disagree with the decoder.
 */
export function createCodeWriter(type: BlockType): CodeWriter {
  const block = createBlock(type)
  const bytes = new Uint8Array(type.blockBytes)
  const places: Set<number>[] = Array.from(block.codes, () => new Set())
  // From all zeros and from all ones: the sign of a zero shows from one side only.
  for (const fill of [0xff, 0]) {
    bytes.fill(fill)
    type.unpack(bytes, 0, block)
    const before = block.codes.slice()
    for (let bit = 0; bit < 8 * type.blockBytes; bit++) {
      flip(bytes, bit)
      type.unpack(bytes, 0, block)
      flip(bytes, bit)
      places[block.codes.findIndex((code, i) => code !== before[i])]?.add(bit)
    }
  }
  const elements = places.map((found, element): Element => {
    const bits = [...found]
    const patterns = new Map<number, number>()
    for (let pattern = 0; pattern < 2 ** bits.length; pattern++) {
      setBits(bytes, 0, bits, pattern)
      type.unpack(bytes, 0, block)
      const code = block.codes[element] as number
      if (!patterns.has(code)) patterns.set(code, pattern)
    }
    setBits(bytes, 0, bits, 0)
    return { places: bits, patterns }
  })
  return {
    codes: [...(elements[0] as Element).patterns.keys()].sort((a, b) => a - b),
    write(codes, to, offset) {
      for (const [i, { places: bits, patterns }] of elements.entries())
        setBits(to, offset, bits, patterns.get(codes[i] as number) as number)
    },
  }
}

function flip(bytes: Uint8Array, bit: number): void {
  bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
}

function setBits(bytes: Uint8Array, offset: number, places: readonly number[], pattern: number): void {
  for (const [i, place] of places.entries()) {
    const at = offset + (place >> 3)
    const mask = 1 << (place & 7)
    bytes[at] = (pattern >> i) & 1 ? (bytes[at] as number) | mask : (bytes[at] as number) & ~mask
  }
}
