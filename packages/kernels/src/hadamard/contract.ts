import {
  dense,
  formatShape,
  lastAxis,
  sizeOf,
  type Op,
  type Tensor,
  TesseraError,
  toleranceOf,
} from '@tessera-llm/tensor'
import { f32Spec } from '../check/index.ts'

/** Inputs of `hadamard`: x f32[…, K]. */
export type HadamardInputs = { readonly x: Tensor }

/** Outputs of `hadamard`: y f32[…, K]. */
export type HadamardOutputs = { readonly y: Tensor }

/** Options of `hadamard`. */
export type HadamardOptions = {
  /** Order of the matrix: a power of two that divides the last axis, at most `largestHadamard`. */
  readonly block: number
}

/** Largest block that every WebGPU device can hold in workgroup memory: 16 KiB of f32. */
export const largestHadamard = 4096

/**
 * `y = x · diag(H, …, H) / √block`: x, y f32[…, K]. H is Sylvester's Hadamard matrix (1867) of order `block`: element
 * (i, j) is 1 if i and j have an even number of set bits in common, else −1. H / √block is symmetric and orthogonal, so
 * the op is its own inverse, and it spreads outliers over the block. Before a product whose weights were multiplied by
 * the same matrix, it changes only what is rounded (QuaRot, arXiv 2404.00456).
 */
export const hadamardOp: Op<HadamardInputs, HadamardOutputs, HadamardOptions> = {
  id: 'hadamard',
  version: 1,
  package: '@tessera-llm/kernels',
  validate({ x }, { block }) {
    const { shape } = f32Spec(x, 'hadamard', 'x')
    const columns = shape.length === 0 ? 0 : lastAxis(shape)
    if (!isPowerOfTwo(block) || block > largestHadamard)
      throw new TesseraError(
        'invalid-option',
        `hadamard: block must be a power of two from 1 to ${largestHadamard}, not ${block}`,
      )
    if (columns === 0 || columns % block !== 0)
      throw new TesseraError(
        'invalid-shape',
        `hadamard: blocks of ${block} do not divide the last axis of x ${formatShape(shape)}; hadamardBlock gives the largest that do`,
      )
    return { y: dense('f32', shape) }
  },
  // Each of log₂(block) additions rounds sums that grow to √block, and the factor brings them back to 1.
  tolerance: ({ options: { block } }) => toleranceOf({ dtype: 'f32', stages: 1 + Math.log2(block) }),
  cost({ outputs, options: { block } }) {
    const size = sizeOf(outputs.y.shape)
    return { flops: size * (1 + Math.log2(block)), bytesRead: 4 * size, bytesWritten: 4 * size }
  },
  reference({ x: { data } }, { block }) {
    const y = new Float64Array(data.length)
    const scale = 1 / Math.sqrt(block)
    for (let start = 0; start < data.length; start += block) {
      for (let column = 0; column < block; column++) {
        let sum = 0
        for (let row = 0; row < block; row++) sum += sylvester(row, column) * (data[start + row] as number)
        y[start + column] = scale * sum
      }
    }
    return { y }
  },
}

/**
 * `y = x · diag(H, …, H) / √block` with Sylvester's Hadamard matrix H of order `options.block`: x, y f32[…, K]. Its own
 * inverse; see {@link hadamardOp}.
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`, `invalid-option`
 */
export function hadamard(x: Tensor, options: HadamardOptions): Tensor {
  return x.device.run(hadamardOp, { x }, options).y
}

/** Largest power of two, at most `largestHadamard`, that divides `columns`: 512 for 1536, 2048 for 2048. */
export function hadamardBlock(columns: number): number {
  let block = 1
  while (columns % (2 * block) === 0 && 2 * block <= largestHadamard) block *= 2
  return block
}

/** Element (row, column) of Sylvester's Hadamard matrix; the same for every order. */
export function sylvester(row: number, column: number): 1 | -1 {
  let isOdd = false
  for (let common = row & column; common !== 0; common &= common - 1) isOdd = !isOdd
  return isOdd ? -1 : 1
}

/** Whether `value` is 1, 2, 4, … */
export function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && Number.isInteger(Math.log2(value))
}
