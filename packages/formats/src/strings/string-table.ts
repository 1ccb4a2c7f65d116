import { utf8 } from '../source/cursor.ts'

/** List of strings as bytes: a vocabulary with merges has hundreds of thousands, of which a program reads few. */
export interface StringTable {
  readonly length: number
  /** Valid UTF-8 from `starts[i]` to `ends[i]` − 1, in order, with other bytes between. */
  readonly bytes: Uint8Array
  readonly starts: Uint32Array
  readonly ends: Uint32Array
}

/** The string at `index`. */
export function stringAt({ bytes, starts, ends }: StringTable, index: number): string {
  return utf8.decode(bytes.subarray(starts[index], ends[index]))
}

/** All strings. Decodes them in one call and slices the result: a call per string takes twenty times as long. */
export function stringsOf({ length, bytes, starts, ends }: StringTable): string[] {
  const separated = bytes.slice()
  for (let index = 0, end = 0; index < length; index++) {
    separated.fill(0, end, starts[index])
    end = ends[index] as number
  }
  const text = utf8.decode(separated.subarray(0, ends[length - 1] ?? 0))
  const out: string[] = []
  let unit = 0
  for (let index = 0, at = 0; index < length; index++) {
    unit += (starts[index] as number) - at
    const first = unit
    const end = ends[index] as number
    // Counts UTF-16 code units: one per byte that starts a character, two for four-byte characters.
    for (at = starts[index] as number; at < end; at++) {
      const byte = bytes[at] as number
      if ((byte & 0xc0) !== 0x80) unit += byte >= 0xf0 ? 2 : 1
    }
    out.push(text.slice(first, unit))
  }
  return out
}

/** Table of given strings. */
export function tableOfStrings(strings: readonly string[]): StringTable {
  const encoder = new TextEncoder()
  const encoded = strings.map((text) => encoder.encode(text))
  const starts = new Uint32Array(strings.length)
  const ends = new Uint32Array(strings.length)
  let end = 0
  for (const [index, { length }] of encoded.entries()) {
    starts[index] = end
    end += length
    ends[index] = end
  }
  const bytes = new Uint8Array(end)
  for (const [index, part] of encoded.entries()) bytes.set(part, starts[index])
  return { length: strings.length, bytes, starts, ends }
}

/** Decodes a table's strings on first access. */
export interface StringsGetter {
  (): readonly string[]
  readonly table: StringTable
}

export function createStringsGetter(table: StringTable): StringsGetter {
  let strings: readonly string[] | undefined
  return Object.assign(() => (strings ??= stringsOf(table)), { table })
}

/** The table behind `metadata[key]`, if a file's header defined the list and it was not replaced. */
export function stringTableOf(metadata: object, key: string): StringTable | undefined {
  return (Object.getOwnPropertyDescriptor(metadata, key)?.get as Partial<StringsGetter> | undefined)?.table
}
