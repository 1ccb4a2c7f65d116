import { sylvester } from '@tessera-llm/kernels'
import { TesseraError } from '@tessera-llm/tensor'

/**
 * A matrix of ±1, i8 [size, size], whose rows are orthogonal: the Kronecker product of one of a small order, by Paley's
 * constructions (1933), with Sylvester's of a power of two. Known here: powers of two times 1 or q + 1 (q a prime, 3
 * modulo 4) or 2 (q + 1) (q a prime, 1 modulo 4); so 576 = 36 · 16, 896 = 28 · 32, 1536 = 12 · 128.
 *
 * @throws TesseraError `unsupported` for other sizes
 */
export function hadamardMatrix(size: number): Int8Array {
  for (let small = oddPart(size); small <= size; small *= 2) {
    const matrix = smallMatrix(small)
    if (matrix) return kronecker(matrix, small, size)
  }
  throw new TesseraError(
    'unsupported',
    `hadamard: no Hadamard matrix of order ${size} is known here; use orthogonalRotation, which takes any size`,
  )
}

function oddPart(size: number): number {
  let odd = size
  while (odd % 2 === 0) odd /= 2
  return odd
}

function smallMatrix(order: number): Int8Array | undefined {
  if (order === 1) return Int8Array.of(1)
  if (order % 4 === 0 && order % 8 !== 0 && isPrime(order / 2 - 1) && (order / 2 - 1) % 4 === 1)
    return paleySecond(order / 2 - 1)
  return order % 4 === 0 && isPrime(order - 1) ? paleyFirst(order - 1) : undefined
}

/** I + S of order q + 1, where S has quadratic characters of differences inside of a border of ±1. */
function paleyFirst(q: number): Int8Array {
  const order = q + 1
  const character = quadraticCharacter(q)
  const matrix = new Int8Array(order * order)
  for (let row = 0; row < order; row++) {
    for (let column = 0; column < order; column++) {
      const inner = row === 0 ? 1 : column === 0 ? -1 : (character[(row - column + q) % q] as number)
      matrix[row * order + column] = row === column ? 1 : inner
    }
  }
  return matrix
}

/**
 * Order 2 (q + 1): the symmetric conference matrix of q, each 0 replaced by [1 −1; −1 −1] and each ±1 by ±[1 1; 1 −1].
 */
function paleySecond(q: number): Int8Array {
  const half = q + 1
  const order = 2 * half
  const character = quadraticCharacter(q)
  const matrix = new Int8Array(order * order)
  for (let row = 0; row < half; row++) {
    for (let column = 0; column < half; column++) {
      const sign = row === column ? 0 : row === 0 || column === 0 ? 1 : (character[(row - column + q) % q] as number)
      const block = sign === 0 ? [1, -1, -1, -1] : [sign, sign, sign, -sign]
      for (let i = 0; i < 4; i++) matrix[(2 * row + (i >> 1)) * order + 2 * column + (i & 1)] = block[i] as number
    }
  }
  return matrix
}

/** Quadratic character of 0 … q − 1 modulo the prime q: 1 for squares, −1 for others, 0 for 0. */
function quadraticCharacter(q: number): Int8Array {
  const character = new Int8Array(q).fill(-1)
  for (let i = 1; i < q; i++) character[(i * i) % q] = 1
  character[0] = 0
  return character
}

function isPrime(n: number): boolean {
  if (n < 2) return false
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false
  return true
}

function kronecker(small: Int8Array, order: number, size: number): Int8Array {
  const matrix = new Int8Array(size * size)
  const power = size / order
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const factor = small[Math.floor(row / power) * order + Math.floor(column / power)] as number
      matrix[row * size + column] = sylvester(row % power, column % power) * factor
    }
  }
  return matrix
}
