/** Values per block of dynamically quantized activations. */
export const activationBlock = 32

/** A block whose largest value is below this counts as zero, because its reciprocal would overflow: 2^−100. */
const smallest = 2 ** -100

/**
 * x rounded to int8 per block of `block` along rows of `columns` (a whole row: one scale a token): scale = max |x| / 127,
 * code = round(x · (127 / max |x|)), halves to even. Each operation is rounded to f32, so that every device arrives at the same codes.
 */
export function roundToBlocks(x: Float64Array, columns: number, block: number = activationBlock): Float64Array {
  const out = new Float64Array(x.length)
  for (let row = 0; row < x.length; row += columns) {
    for (let start = row; start < row + columns; start += block) {
      const end = Math.min(start + block, row + columns)
      let max = 0
      for (let k = start; k < end; k++) max = Math.max(max, Math.abs(Math.fround(x[k] as number)))
      const scale = Math.fround(max / 127)
      const inverse = max < smallest ? 0 : Math.fround(127 / max)
      for (let k = start; k < end; k++) out[k] = roundHalfToEven(Math.fround(Math.fround(x[k] as number) * inverse)) * scale
    }
  }
  return out
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value)
  const rest = value - below
  if (rest !== 0.5) return Math.round(value)
  return below % 2 === 0 ? below : below + 1
}
