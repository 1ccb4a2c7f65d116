import { utf8 } from '../source/cursor.ts'

/** A list of strings as their bytes: a vocabulary with its merges is a hundred thousand of them, of which a program reads few. */
export interface StringTable {
  readonly length: number
  /** Valid UTF-8 from `starts[i]` to before `ends[i]`, in order, and other bytes between. */
  readonly bytes: Uint8Array
  readonly starts: Uint32Array
  readonly ends: Uint32Array
}

/** The string at `index`. */
export function stringAt({ bytes, starts, ends }: StringTable, index: number): string {
  return utf8.decode(bytes.subarray(starts[index], ends[index]))
}

/** All strings. One call decodes them, and they are cut from what it gives: a call for each takes twenty times as long. */
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
    // UTF-16 code units: one for each byte that begins a character, two for those of four bytes.
    for (at = starts[index] as number; at < end; at++) {
      const byte = bytes[at] as number
      if ((byte & 0xc0) !== 0x80) unit += byte >= 0xf0 ? 2 : 1
    }
    out.push(text.slice(first, unit))
  }
  return out
}

/** The table of strings that are there already. */
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

/** Reads a table's strings when they are first asked for. */
export interface StringsGetter {
  (): readonly string[]
  readonly table: StringTable
}

export function createStringsGetter(table: StringTable): StringsGetter {
  let strings: readonly string[] | undefined
  return Object.assign(() => (strings ??= stringsOf(table)), { table })
}

/** The table behind `metadata[key]`, where a file's header gave the list and nothing took its place. */
export function stringTableOf(metadata: object, key: string): StringTable | undefined {
  return (Object.getOwnPropertyDescriptor(metadata, key)?.get as Partial<StringsGetter> | undefined)?.table
}
