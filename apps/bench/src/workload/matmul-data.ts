import type { MatmulWorkload } from './workload.ts'

/** Weights of a block share a scale. */
export const blockSize = 32
/** Subtracted from a 4-bit weight before it is scaled. */
export const zeroPoint = 8

/** Value of an i8 step, exact in f16; 4-bit weights are whole multiples of 1/64. */
export const int8Scale = ({ kind }: MatmulWorkload): number => (kind === 'gemm-4bit' ? 1 / 64 : 1 / 128)

/**
 * Hashes an index to 32 bits (the finalizer of MurmurHash3), so that every participant makes the same data without
 * sharing a file.
 */
export function hash(index: number): number {
  let h = index >>> 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

const inputSeed = 1 << 30
const scaleSeed = 2 << 30

/** Element `[row, k]` of the input, between −1 and 1, a multiple of 2⁻⁷. */
export const inputF32 = (w: MatmulWorkload, row: number, k: number): number =>
  (hash(inputSeed + row * w.k + k) >>> 24) / 128 - 1

const weightIndex = (w: MatmulWorkload, matrix: number, k: number, column: number): number =>
  (matrix * w.n + column) * w.k + k
/** Element `[k, column]` of a weight matrix as f32, between −1 and 1. */
export const weightF32 = (w: MatmulWorkload, matrix: number, k: number, column: number): number =>
  weightI8(w, matrix, k, column) * int8Scale(w)
/** Element `[k, column]` of a weight matrix as i8, −127 … 127; of `gemm-4bit` what the 4 bits are worth in 64ths. */
export const weightI8 = (w: MatmulWorkload, matrix: number, k: number, column: number): number =>
  w.kind === 'gemm-4bit'
    ? (weightU4(w, matrix, k, column) - zeroPoint) * weightScale(w, matrix, Math.floor(k / blockSize), column) * 64
    : (hash(weightIndex(w, matrix, k, column)) % 255) - 127
/** Element `[k, column]` of a weight matrix as an integer 0 … 15, to be shifted by `zeroPoint` and scaled. */
export const weightU4 = (w: MatmulWorkload, matrix: number, k: number, column: number): number =>
  hash(weightIndex(w, matrix, k, column)) >>> 28
/** Scale of block `block` of 32 weights along k: 1, 1.25, 1.5 or 1.75 sixteenths, exact in f16. */
export const weightScale = (w: MatmulWorkload, matrix: number, block: number, column: number): number =>
  (4 + (hash(scaleSeed + (matrix * w.n + column) * (w.k / blockSize) + block) & 3)) / 64

/** Elements of the sum of all products that a participant returns as its answer: `[row, column]`. */
export function answerElements({ m, n }: MatmulWorkload): readonly (readonly [number, number])[] {
  return [
    [0, 0],
    [0, 1],
    [0, n - 1],
    [m >> 1, n >> 1],
    [m - 1, 0],
    [m - 1, n - 1],
  ]
}

/**
 * Describes the error of an answer, or returns undefined. int8 activations may change each term by 2 %, in either
 * direction.
 */
export function problemOfAnswer(workload: MatmulWorkload, answer: readonly number[] | undefined): string | undefined {
  const elements = answerElements(workload)
  if (answer?.length !== elements.length)
    return `gave ${answer?.length ?? 'no'} elements of its product, not ${elements.length}`
  for (const [index, [row, column]] of elements.entries()) {
    const { sum, magnitude } = exact(workload, row, column)
    const tolerance =
      workload.kind === 'gemm-f32' ? 1e-6 * magnitude : (0.02 * magnitude) / Math.sqrt(workload.k * workload.matrices)
    const given = answer[index] as number
    if (!(Math.abs(given - sum) <= tolerance))
      return `computed ${given} where the product is ${sum} (row ${row}, column ${column}; allowed ± ${tolerance.toPrecision(2)})`
  }
  return undefined
}

function exact(w: MatmulWorkload, row: number, column: number): { readonly sum: number; readonly magnitude: number } {
  let sum = 0
  let magnitude = 0
  for (let matrix = 0; matrix < w.matrices; matrix++) {
    for (let k = 0; k < w.k; k++) {
      const weight =
        w.kind === 'gemv-4bit'
          ? (weightU4(w, matrix, k, column) - zeroPoint) * weightScale(w, matrix, Math.floor(k / blockSize), column)
          : weightF32(w, matrix, k, column)
      const term = inputF32(w, row, k) * weight
      sum += term
      magnitude += Math.abs(term)
    }
  }
  return { sum, magnitude }
}
