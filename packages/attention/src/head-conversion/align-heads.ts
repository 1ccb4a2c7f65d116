import { TesseraError } from '@tessera-llm/tensor'
import { identity } from './jacobi.ts'
import { nearestRotation } from './nearest-rotation.ts'

/**
 * Rotations of a head's channels that leave attention unchanged if query and key share them. `orthogonal`: any, if
 * nothing stands between projection and product. `rope`: with rotary positions (RoFormer, arXiv 2104.09864), only those
 * that rotate each channel pair by its own angle, since these commute with the position's rotation; channels beyond
 * `rotaryDim` are free. `none`: a norm with a weight per channel (QK-norm) stands between and commutes with no
 * rotation.
 */
export type KeyRotation =
  | { readonly kind: 'orthogonal' }
  | { readonly kind: 'none' }
  | { readonly kind: 'rope'; readonly style: 'neox' | 'gptj'; readonly rotaryDim: number }

/**
 * Second moments f64[H · size, H · size] of H heads: Σ over tokens of y yᵀ, where y[H · size] concatenates the heads'
 * outputs.
 */
export interface Moments {
  readonly data: Float64Array
  readonly numHeads: number
  readonly size: number
}

/** Throws unless the rotation fits a head of `size` channels. */
export function checkRotation(rotation: KeyRotation, size: number): void {
  if (rotation.kind !== 'rope') return
  const { rotaryDim } = rotation
  if (!Number.isSafeInteger(rotaryDim) || rotaryDim < 2 || rotaryDim % 2 !== 0 || rotaryDim > size) {
    throw new TesseraError(
      'invalid-option',
      `convertHeads: keyRotation.rotaryDim must be an even number from 2 to headDim (${size}), not ${rotaryDim}`,
    )
  }
}

/** f64[size, size]: Σ over tokens of y_i y_jᵀ. */
export function crossMoment({ data, numHeads, size }: Moments, i: number, j: number): Float64Array {
  const block = new Float64Array(size * size)
  for (let row = 0; row < size; row++)
    block.set(
      data.subarray(((i * size + row) * numHeads + j) * size, ((i * size + row) * numHeads + j + 1) * size),
      row * size,
    )
  return block
}

/** The allowed R that maximizes tr(Rᵀ A) for A f64[size, size], and that maximum. */
export function bestRotation(
  a: Float64Array,
  size: number,
  allowed: KeyRotation,
): { readonly rotation: Float64Array; readonly trace: number } {
  if (allowed.kind === 'orthogonal') return nearestRotation(a, size)
  const rotation = identity(size)
  const at = (row: number, column: number): number => a[row * size + column] as number
  let trace = 0
  if (allowed.kind === 'none') {
    for (let i = 0; i < size; i++) trace += at(i, i)
    return { rotation, trace }
  }
  const { style, rotaryDim } = allowed
  for (let pair = 0; pair < rotaryDim / 2; pair++) {
    const [x, y] = style === 'neox' ? [pair, pair + rotaryDim / 2] : [2 * pair, 2 * pair + 1]
    // tr(Rᵀ A) = cos θ · (Axx + Ayy) + sin θ · (Ayx − Axy) for R that rotates (x, y) by θ.
    const along = at(x, x) + at(y, y)
    const across = at(y, x) - at(x, y)
    const length = Math.hypot(along, across)
    trace += length
    if (length === 0) continue
    rotation[x * size + x] = rotation[y * size + y] = along / length
    rotation[x * size + y] = -across / length
    rotation[y * size + x] = across / length
  }
  const rest = size - rotaryDim
  if (rest > 0) {
    const free = new Float64Array(rest * rest)
    for (let row = 0; row < rest; row++)
      for (let column = 0; column < rest; column++) free[row * rest + column] = at(rotaryDim + row, rotaryDim + column)
    const nearest = nearestRotation(free, rest)
    for (let row = 0; row < rest; row++)
      rotation.set(nearest.rotation.subarray(row * rest, (row + 1) * rest), (rotaryDim + row) * size + rotaryDim)
    trace += nearest.trace
  }
  return { rotation, trace }
}

/**
 * Rotations R_j, one for each of `heads`, that make their outputs agree best: they maximize Σ_{i<j} Σ_tokens ⟨R_i y_i,
 * R_j y_j⟩, so that the mean of the rotated heads loses least (generalized Procrustes analysis, Gower 1975; for
 * attention heads arXiv 2412.20677). The first head is not rotated.
 */
export function alignHeads(moments: Moments, heads: readonly number[], allowed: KeyRotation): readonly Float64Array[] {
  const { size } = moments
  const rotations = heads.map(() => identity(size))
  let before = 0
  for (let sweep = 0; sweep < 50; sweep++) {
    let sum = 0
    for (let j = 1; j < heads.length; j++) {
      // The first sweep aligns each head with those before it, later ones with all others.
      const a = new Float64Array(size * size)
      for (let i = 0; i < (sweep === 0 ? j : heads.length); i++)
        if (i !== j)
          addProduct(
            a,
            rotations[i] as Float64Array,
            crossMoment(moments, heads[i] as number, heads[j] as number),
            size,
          )
      const { rotation, trace } = bestRotation(a, size, allowed)
      rotations[j] = rotation
      sum += trace
    }
    if (heads.length < 3 || (sweep > 1 && sum - before <= 1e-7 * Math.abs(sum))) break
    before = sum
  }
  return rotations
}

/**
 * Similarity of two heads, 0 to 1: the cosine between their outputs over all tokens under the best rotation; 0 if one
 * is zero.
 */
export function similarity(moments: Moments, i: number, j: number, allowed: KeyRotation): number {
  const scale = Math.sqrt(energy(moments, i) * energy(moments, j))
  return scale === 0 ? 0 : bestRotation(crossMoment(moments, i, j), moments.size, allowed).trace / scale
}

function energy({ data, numHeads, size }: Moments, head: number): number {
  let sum = 0
  for (let row = head * size; row < (head + 1) * size; row++) sum += data[row * numHeads * size + row] as number
  return sum
}

/** a += left · right, all f64[size, size]; rotary rotations are mostly zeros. */
function addProduct(a: Float64Array, left: Float64Array, right: Float64Array, size: number): void {
  for (let row = 0; row < size; row++) {
    for (let k = 0; k < size; k++) {
      const factor = left[row * size + k] as number
      if (factor === 0) continue
      for (let column = 0; column < size; column++)
        a[row * size + column] = (a[row * size + column] as number) + factor * (right[k * size + column] as number)
    }
  }
}
