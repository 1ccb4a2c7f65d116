import { type Block, f16At } from './block-type.ts'

/**
 * Head of Q4_K and Q5_K: f16 d, f16 dmin, then 8 scales and 8 minimums of 6 bits in 12 bytes. Scales 0 … 3 are the low
 * bits of bytes 0 … 3, minimums those of bytes 4 … 7; scales and minimums 4 … 7 have their low nibbles in bytes 8 … 11
 * (scale low, minimum high) and their top two bits above scales and minimums 0 … 3.
 */
export function unpackKScales(bytes: Uint8Array, offset: number, block: Block): void {
  const d = f16At(bytes, offset)
  const dmin = f16At(bytes, offset + 2)
  for (let group = 0; group < 4; group++) {
    const scale = bytes[offset + 4 + group] as number
    const minimum = bytes[offset + 8 + group] as number
    const low = bytes[offset + 12 + group] as number
    block.scales[group] = d * (scale & 63)
    block.minimums[group] = dmin * (minimum & 63)
    block.scales[group + 4] = d * ((low & 15) | ((scale >> 6) << 4))
    block.minimums[group + 4] = dmin * ((low >> 4) | ((minimum >> 6) << 4))
  }
}
