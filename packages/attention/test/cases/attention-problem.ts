import { type DType, encodeElements, type Shape, sizeOf } from '@tessera-llm/tensor'
import { type HostValue, normal, type OpProblem, values } from '@tessera-llm/testing'
import { alibiSlopes, type AttentionInputs, type AttentionOptions, type Layout } from '../../src/index.ts'

export interface Sizes {
  readonly batch?: number
  readonly heads: number
  readonly kvHeads?: number
  readonly rows: number
  readonly keys: number
  readonly headDim?: number
  readonly valueDim?: number
  readonly layout?: Layout
  readonly kvLayout?: Layout
  readonly dtype?: DType
}

export type Side = { readonly [K in keyof Omit<AttentionInputs, 'q' | 'k' | 'v'>]?: HostValue }

/** A problem of random q, k and v in the layouts that the sizes name. */
export function problem(
  name: string,
  sizes: Sizes,
  options: AttentionOptions = {},
  side: Side = {},
): OpProblem<AttentionInputs, AttentionOptions> {
  const {
    batch = 1,
    heads,
    kvHeads = heads,
    rows,
    keys,
    headDim = 64,
    valueDim = headDim,
    layout = 'bhld',
    kvLayout = layout,
    dtype = 'f32',
  } = sizes
  const shape = (order: Layout, count: number, length: number, width: number): Shape =>
    order === 'bhld' ? [batch, count, length, width] : [batch, length, count, width]
  return {
    name,
    inputs: {
      q: normal(shape(layout, heads, rows, headDim), { seed: 11 }),
      k: normal(shape(kvLayout, kvHeads, keys, headDim), { seed: 12, dtype }),
      v: normal(shape(kvLayout, kvHeads, keys, valueDim), { seed: 13, dtype }),
      kvLengths: undefined,
      cuSeqLens: undefined,
      cuSeqLensKv: undefined,
      blockTable: undefined,
      sinks: undefined,
      alibiSlopes: undefined,
      bias: undefined,
      mask: undefined,
      ...side,
    },
    options: { layout, kvLayout, ...options },
  }
}

export const causal = { isCausal: true } as const
export const lengths = (...counts: readonly number[]): HostValue => values([counts.length], counts, 'i32')
export const flags = (shape: Shape, isShown: (index: number) => boolean): HostValue =>
  values(
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => (isShown(i) ? 1 : 0)),
    'u8',
  )
export const slopes = (heads: number): HostValue => values([heads], alibiSlopes(heads))

/** k or v of a cache with NaN in the rows from `length` on, which must not matter. */
export function poisoned(shape: Shape, counts: readonly number[], dtype: DType, seed: number): HostValue {
  const { data } = normal(shape, { seed })
  const [batch = 0, heads = 0, capacity = 0, width = 0] = shape
  const numbers = Float64Array.from(data as Float32Array)
  for (let at = 0; at < batch * heads; at++)
    numbers.fill(
      Number.NaN,
      (at * capacity + (counts[Math.floor(at / heads)] as number)) * width,
      (at + 1) * capacity * width,
    )
  return { dtype, shape, data: encodeElements(numbers, dtype) }
}
