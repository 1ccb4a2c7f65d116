import { decodeF16, encodeF16 } from '@tessera-llm/tensor'

/** Stores a value as f16, little-endian, and returns what was stored. */
export function storeF16(bytes: Uint8Array, offset: number, value: number): number {
  const bits = encodeF16(value)
  bytes[offset] = bits
  bytes[offset + 1] = bits >> 8
  return decodeF16(bits)
}
