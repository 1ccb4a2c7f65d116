import type { GgufValue } from '@tessera-llm/formats'

export const text = (value: string): GgufValue => ({ type: 'string', value })
export const u32 = (value: number): GgufValue => ({ type: 'u32', value })
export const f32 = (value: number): GgufValue => ({ type: 'f32', value })
export const bool = (value: boolean): GgufValue => ({ type: 'bool', value })

/** The shortest decimal number that rounds to the same f32: 0.00001 for 0.000009999999747378752. */
export function shortest(value: number): number {
  for (let digits = 1; digits < 17; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === Math.fround(value)) return short
  }
  return value
}
