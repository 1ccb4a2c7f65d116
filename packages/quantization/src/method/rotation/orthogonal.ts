import { createRandom, TesseraError } from '@tessera-llm/tensor'
import { hadamardMatrix } from './hadamard.ts'

/** An orthogonal matrix f64 [size, size], row-major, by which activations are multiplied from the right: x · R. */
export interface Rotation {
  readonly size: number
  readonly matrix: Float64Array
}

/**
 * A matrix drawn uniformly (by Haar's measure) from all orthogonal ones: a product of reflections along random
 * directions of falling length (Stewart 1980). 4/3 · size³ operations; for sizes of several thousand take
 * `hadamardRotation`.
 */
export function orthogonalRotation(size: number, seed: number): Rotation {
  checkSize(size)
  const random = createRandom(seed)
  const matrix = new Float64Array(size * size)
  for (let i = 0; i < size; i++) matrix[i * (size + 1)] = 1
  const projection = new Float64Array(size)
  for (let first = size - 1; first >= 0; first--) {
    const direction = Float64Array.from({ length: size - first }, () => random.normal())
    const norm = Math.hypot(...direction)
    const sign = (direction[0] as number) < 0 ? -1 : 1
    direction[0] = (direction[0] as number) + sign * norm
    const scale = 2 / direction.reduce((sum, value) => sum + value * value, 0)
    projection.fill(0, first)
    for (let i = 0; i < direction.length; i++) {
      const factor = (direction[i] as number) * scale
      for (let column = first; column < size; column++)
        projection[column] = (projection[column] as number) + factor * (matrix[(first + i) * size + column] as number)
    }
    for (let i = 0; i < direction.length; i++) {
      const factor = direction[i] as number
      const at = (first + i) * size
      for (let column = first; column < size; column++)
        matrix[at + column] = (matrix[at + column] as number) - factor * (projection[column] as number)
    }
    for (let column = first; column < size; column++)
      matrix[first * size + column] = -sign * (matrix[first * size + column] as number)
  }
  return { size, matrix }
}

/**
 * diag(±1) · H / √size with seeded signs and a Hadamard matrix H: every input spreads evenly over all outputs, and a
 * runtime can apply it in size · log(size) operations. Without a seed all signs are 1: for a power of two what
 * `hadamard` of `@tessera-llm/kernels` does to a block.
 *
 * @throws TesseraError `unsupported` for a size without a known Hadamard matrix
 */
export function hadamardRotation(size: number, seed?: number): Rotation {
  checkSize(size)
  const hadamard = hadamardMatrix(size)
  const random = seed === undefined ? undefined : createRandom(seed)
  const matrix = new Float64Array(size * size)
  const scale = 1 / Math.sqrt(size)
  for (let row = 0; row < size; row++) {
    const factor = random && random.integer(2) !== 0 ? -scale : scale
    for (let column = 0; column < size; column++)
      matrix[row * size + column] = factor * (hadamard[row * size + column] as number)
  }
  return { size, matrix }
}

function checkSize(size: number): void {
  if (!(Number.isInteger(size) && size > 0))
    throw new TesseraError('invalid-option', `rotation: the size is a number of channels > 0, got ${size}`)
}
