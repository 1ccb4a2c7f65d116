import { TesseraError } from '@tessera-llm/tensor'

/** Accumulates Σ y yᵀ over tokens, in float64. */
export interface MomentSum {
  readonly width: number
  readonly tokens: number
  /** f64[width, width] */
  readonly moments: Float64Array
  /** Adds rows f32[tokens, width]. Throws `invalid-shape` unless the length is a multiple of `width`. */
  add(rows: Float32Array): void
}

/** Creates a sum of no tokens. */
export function createMomentSum(width: number): MomentSum {
  const moments = new Float64Array(width * width)
  let tokens = 0
  return {
    width,
    get moments() {
      for (let i = 0; i < width; i++)
        for (let j = 0; j < i; j++) moments[j * width + i] = moments[i * width + j] as number
      return moments
    },
    get tokens() {
      return tokens
    },
    add(rows) {
      if (rows.length % width !== 0)
        throw new TesseraError('invalid-shape', `momentSum: ${rows.length} values are no rows of ${width}`)
      for (let at = 0; at < rows.length; at += width) {
        for (let i = 0; i < width; i++) {
          const factor = rows[at + i] as number
          for (let j = 0; j <= i; j++)
            moments[i * width + j] = (moments[i * width + j] as number) + factor * (rows[at + j] as number)
        }
      }
      tokens += rows.length / width
    },
  }
}
