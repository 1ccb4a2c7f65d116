/** Stores 8 scales and 8 minimums of 6 bits in 12 bytes, as `unpackKScales` reads them. */
export function packKScales(scales: Uint8Array, minimums: Uint8Array, out: Uint8Array, offset: number): void {
  for (let group = 0; group < 4; group++) {
    const scale = scales[group + 4] as number
    const minimum = minimums[group + 4] as number
    out[offset + group] = (scales[group] as number) | ((scale >> 4) << 6)
    out[offset + 4 + group] = (minimums[group] as number) | ((minimum >> 4) << 6)
    out[offset + 8 + group] = (scale & 15) | ((minimum & 15) << 4)
  }
}
