/**
 * 256 codes 0 … 3 to 64 bytes: each 32 bytes hold four runs of 32 codes, lowest bits first. Higher bits of codes are
 * left out.
 */
export function packTwoBits(codes: Uint8Array, out: Uint8Array, offset: number): void {
  for (let i = 0; i < 64; i++) {
    const at = (i >> 5) * 128 + (i & 31)
    out[offset + i] =
      ((codes[at] as number) & 3) |
      (((codes[at + 32] as number) & 3) << 2) |
      (((codes[at + 64] as number) & 3) << 4) |
      (((codes[at + 96] as number) & 3) << 6)
  }
}
