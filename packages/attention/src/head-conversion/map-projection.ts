import type { ProjectionWeights } from './head-weights.ts'

/** Map f64[size, size] of a head; undefined for none. */
export type MapOf = (head: number) => Float64Array | undefined

/** Projection whose head i is the mapped former head `order[i]`: y = A (W x + b) instead of W x + b. */
export function mapRows(
  projection: ProjectionWeights,
  size: number,
  order: readonly number[],
  mapOf: MapOf | undefined,
): ProjectionWeights {
  return averageRows(
    projection,
    size,
    order.length,
    order.map((head) => [head]),
    mapOf,
  )
}

/** Projection of `groups.length` heads, each the mean of mapped former heads. Returns unchanged arrays as they are. */
export function averageRows(
  projection: ProjectionWeights,
  size: number,
  numHeads: number,
  groups: readonly (readonly number[])[],
  mapOf: MapOf | undefined,
): ProjectionWeights {
  if (!mapOf && groups.length === numHeads && groups.every((group, index) => group.length === 1 && group[0] === index))
    return projection
  const { weight, bias } = projection
  const average = (data: Float32Array): Float32Array => {
    const width = data.length / (numHeads * size)
    const out = new Float32Array(groups.length * size * width)
    const sum = new Float64Array(size * width)
    for (const [index, group] of groups.entries()) {
      sum.fill(0)
      for (const head of group)
        addMapped(sum, data.subarray(head * size * width, (head + 1) * size * width), mapOf?.(head), size, width)
      for (let i = 0; i < sum.length; i++) out[index * sum.length + i] = (sum[i] as number) / group.length
    }
    return out
  }
  return { weight: average(weight), bias: bias && average(bias) }
}

/**
 * Output weight f32[outputs, H · size] whose columns of head i are the mapped ones of former head `order[i]`: O Aᵀ,
 * which undoes an orthogonal A on its inputs.
 */
export function mapColumns(
  weight: Float32Array,
  size: number,
  order: readonly number[],
  mapOf: MapOf | undefined,
): Float32Array {
  if (!mapOf && order.every((head, index) => head === index)) return weight
  const width = order.length * size
  const out = new Float32Array(weight.length)
  for (const [index, head] of order.entries()) {
    const map = mapOf?.(head)
    for (let row = 0; row < weight.length; row += width) {
      const from = weight.subarray(row + head * size, row + (head + 1) * size)
      if (!map) out.set(from, row + index * size)
      else for (let i = 0; i < size; i++) out[row + index * size + i] = dot(map, i * size, from)
    }
  }
  return out
}

/** sum += map · rows, both [size, width]. */
function addMapped(
  sum: Float64Array,
  rows: Float32Array,
  map: Float64Array | undefined,
  size: number,
  width: number,
): void {
  if (!map) {
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (rows[i] as number)
    return
  }
  for (let to = 0; to < size; to++) {
    for (let from = 0; from < size; from++) {
      const factor = map[to * size + from] as number
      // Rotary rotations are mostly zeros.
      if (factor === 0) continue
      for (let column = 0; column < width; column++)
        sum[to * width + column] =
          (sum[to * width + column] as number) + factor * (rows[from * width + column] as number)
    }
  }
}

function dot(matrix: Float64Array, offset: number, vector: Float32Array): number {
  let sum = 0
  for (let i = 0; i < vector.length; i++) sum += (matrix[offset + i] as number) * (vector[i] as number)
  return sum
}
