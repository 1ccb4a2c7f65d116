/** Values per block of dynamically quantized activations. */
export const activationBlock = 32

/** x rounded to int8 per block along rows of `columns`. */
export function roundToBlocks(x: Float64Array, columns: number): Float64Array {
  const out = new Float64Array(x.length)
  for (let row = 0; row < x.length; row += columns) {
    for (let start = 0; start < columns; start += activationBlock) {
      const end = Math.min(start + activationBlock, columns)
      let max = 0
      for (let k = start; k < end; k++) max = Math.max(max, Math.abs(x[row + k] as number))
      const scale = max / 127
      for (let k = start; k < end; k++) out[row + k] = scale === 0 ? 0 : Math.round((x[row + k] as number) / scale) * scale
    }
  }
  return out
}
