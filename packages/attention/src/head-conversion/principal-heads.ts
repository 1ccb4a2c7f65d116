import { crossMoment, type KeyRotation, type Moments } from './align-heads.ts'
import { identity, principalAxes } from './jacobi.ts'

/**
 * Maps of one group: the merged head is the mean of `pool[i]` times former head i, and `expand[i]` times the merged
 * head approximates former head i. All f64[size, size].
 */
export interface PrincipalMaps {
  readonly pool: readonly Float64Array[]
  readonly expand: readonly Float64Array[]
}

/**
 * One head in place of several, by weighted principal components: of all linear maps of the heads' outputs to `size`
 * channels, the one from which they can be restored with the least error, Σ over heads and tokens of (y − ŷ)ᵀ M (y − ŷ)
 * (Eckart & Young 1936; for key-value heads arXiv 2502.07864). `metrics` holds M of each head, f64[size, size]: the
 * cost of an error. Query heads and output columns absorb the restoring maps, so only that error is lost. With rotary
 * positions, a map may only rotate and scale each channel pair, like a complex number; channels without rotation are
 * free.
 */
export function principalMaps(
  moments: Moments,
  heads: readonly number[],
  metrics: readonly Float64Array[],
  allowed: Exclude<KeyRotation, { readonly kind: 'none' }>,
): PrincipalMaps {
  const { size } = moments
  const maps = {
    pool: heads.map(() => new Float64Array(size * size)),
    expand: heads.map(() => new Float64Array(size * size)),
  }
  const rotaryDim = allowed.kind === 'rope' ? allowed.rotaryDim : 0
  if (allowed.kind === 'rope')
    for (let pair = 0; pair < rotaryDim / 2; pair++)
      mapPair(
        moments,
        heads,
        metrics,
        allowed.style === 'neox' ? [pair, pair + rotaryDim / 2] : [2 * pair, 2 * pair + 1],
        maps,
      )
  if (rotaryDim < size) mapChannels(moments, heads, metrics, rotaryDim, maps)
  return rescale(moments, heads, maps)
}

/** Treats channels x and y as one complex number: takes its largest complex principal component over the heads. */
function mapPair(
  moments: Moments,
  heads: readonly number[],
  metrics: readonly Float64Array[],
  [x, y]: readonly [number, number],
  { pool, expand }: PrincipalMaps,
): void {
  const { size } = moments
  const count = heads.length
  // Positions rotate the pair by any angle, so both channels cost the same.
  const weights = metrics.map((metric) =>
    Math.sqrt(Math.max(((metric[x * size + x] as number) + (metric[y * size + y] as number)) / 2, 0)),
  )
  const floor = 1e-6 * Math.max(...weights) || 1
  for (const [index, weight] of weights.entries()) weights[index] = Math.max(weight, floor)
  // A Hermitian matrix A + iB has the eigenvectors of the symmetric [[A, −B], [B, A]], each twice.
  const n = 2 * count
  const hermitian = new Float64Array(n * n)
  for (const [i, first] of heads.entries()) {
    for (const [j, second] of heads.entries()) {
      const block = crossMoment(moments, first, second)
      const at = (row: number, column: number): number => block[row * size + column] as number
      const scale = (weights[i] as number) * (weights[j] as number)
      const real = scale * (at(x, x) + at(y, y))
      const imaginary = scale * (at(y, x) - at(x, y))
      hermitian[i * n + j] = hermitian[(i + count) * n + j + count] = real
      hermitian[(i + count) * n + j] = imaginary
      hermitian[i * n + j + count] = -imaginary
    }
  }
  const { axes } = principalAxes(hermitian, n)
  for (let i = 0; i < count; i++) {
    const [real, imaginary, weight] = [axes[i] as number, axes[i + count] as number, weights[i] as number]
    // Pooling multiplies by the conjugate, restoring by the component itself.
    setPair(pool[i] as Float64Array, size, x, y, real * weight, -imaginary * weight)
    setPair(expand[i] as Float64Array, size, x, y, real / weight, imaginary / weight)
  }
}

function setPair(matrix: Float64Array, size: number, x: number, y: number, real: number, imaginary: number): void {
  matrix[x * size + x] = matrix[y * size + y] = real
  matrix[x * size + y] = -imaginary
  matrix[y * size + x] = imaginary
}

/** Channels `from` … size − 1: as many real principal components as there are channels. */
function mapChannels(
  moments: Moments,
  heads: readonly number[],
  metrics: readonly Float64Array[],
  from: number,
  { pool, expand }: PrincipalMaps,
): void {
  const { size } = moments
  const width = size - from
  const roots = metrics.map((metric) => squareRoot(metric, size, from))
  const n = heads.length * width
  const whitened = new Float64Array(n * n)
  for (const [i, first] of heads.entries()) {
    for (const [j, second] of heads.entries()) {
      const block = multiply(
        multiply((roots[i] as Roots).root, window(crossMoment(moments, first, second), size, from), width),
        (roots[j] as Roots).root,
        width,
      )
      for (let row = 0; row < width; row++)
        whitened.set(block.subarray(row * width, (row + 1) * width), (i * width + row) * n + j * width)
    }
  }
  const { axes } = principalAxes(whitened, n)
  for (const [i, { root, inverse }] of roots.entries()) {
    const part = new Float64Array(width * width)
    for (let row = 0; row < width; row++)
      part.set(axes.subarray(row * n + i * width, row * n + (i + 1) * width), row * width)
    const pooled = multiply(part, root, width)
    const restored = multiply(part, inverse, width)
    for (let row = 0; row < width; row++) {
      for (let column = 0; column < width; column++) {
        ;(pool[i] as Float64Array)[(from + row) * size + from + column] = pooled[row * width + column] as number
        // inverse · partᵀ, and the root is symmetric.
        ;(expand[i] as Float64Array)[(from + column) * size + from + row] = restored[row * width + column] as number
      }
    }
  }
}

/**
 * Scales the merged head to the mean energy of those it replaces, so that its values stay in the range of the cache
 * format.
 */
function rescale(moments: Moments, heads: readonly number[], { pool, expand }: PrincipalMaps): PrincipalMaps {
  const { size } = moments
  let before = 0
  let after = 0
  for (const [i, first] of heads.entries()) {
    const own = crossMoment(moments, first, first)
    for (let channel = 0; channel < size; channel++) before += (own[channel * size + channel] as number) / heads.length
    for (const [j, second] of heads.entries()) {
      const left = multiply(pool[i] as Float64Array, crossMoment(moments, first, second), size)
      for (let index = 0; index < left.length; index++)
        after += (left[index] as number) * ((pool[j] as Float64Array)[index] as number)
    }
  }
  const factor = after > 0 && before > 0 ? Math.sqrt(before / after) : 1
  // The caller takes the mean over the heads, where components are sums.
  return {
    pool: pool.map((map) => map.map((value) => value * factor * heads.length)),
    expand: expand.map((map) => map.map((value) => value / factor)),
  }
}

interface Roots {
  readonly root: Float64Array
  readonly inverse: Float64Array
}

/**
 * Square root of a positive semidefinite metric, and its inverse. Directions without cost get a small one, so that the
 * inverse exists.
 */
function squareRoot(metric: Float64Array, size: number, from: number): Roots {
  const width = size - from
  const { axes, values } = principalAxes(window(metric, size, from), width)
  const largest = values[0] as number
  if (!(largest > 0)) return { root: identity(width), inverse: identity(width) }
  const root = new Float64Array(width * width)
  const inverse = new Float64Array(width * width)
  for (const [k, value] of values.entries()) {
    const length = Math.sqrt(Math.max(value, 1e-6 * largest))
    for (let row = 0; row < width; row++) {
      for (let column = 0; column < width; column++) {
        const product = (axes[k * width + row] as number) * (axes[k * width + column] as number)
        root[row * width + column] = (root[row * width + column] as number) + product * length
        inverse[row * width + column] = (inverse[row * width + column] as number) + product / length
      }
    }
  }
  return { root, inverse }
}

/** Submatrix of the rows and columns from `from` on. */
function window(matrix: Float64Array, size: number, from: number): Float64Array {
  const width = size - from
  return Float64Array.from(
    { length: width * width },
    (_, index) => matrix[(from + Math.floor(index / width)) * size + from + (index % width)] as number,
  )
}

function multiply(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const product = new Float64Array(n * n)
  for (let row = 0; row < n; row++) {
    for (let k = 0; k < n; k++) {
      const factor = a[row * n + k] as number
      if (factor !== 0)
        for (let column = 0; column < n; column++)
          product[row * n + column] = (product[row * n + column] as number) + factor * (b[k * n + column] as number)
    }
  }
  return product
}
