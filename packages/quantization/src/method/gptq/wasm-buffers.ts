import { simulated } from './grid-target.ts'

/** Rows of a panel, the lanes of two vectors. */
export const lanes = 8
/** Largest group, and largest table, that the kernel takes. */
export const mostWidth = 512
export const mostCodes = 16

/** Where the kernel's buffers lie in its memory, in bytes, and views of them. */
export interface Buffers {
  readonly views: Readonly<Record<BufferName, Float32Array>>
  readonly at: Readonly<Record<BufferName, number>>
}

export type BufferName =
  | 'grid'
  | 'table'
  | 'middles'
  | 'factor'
  | 'hessian'
  | 'mismatch'
  | 'costs'
  | 'upper'
  | 'weights'
  | 'pending'
  | 'current'
  | 'errors'
  | 'rounded'
  | 'lost'
  | 'codes'
  | 'gradient'
  | 'list'
  | 'chosen'
  | 'loss'
  | 'rowGradient'
  | 'rowRounded'
  | 'rowCodes'
  | 'rowScales'
  | 'rowZeros'

/** Floats of each buffer, for `n` columns rounded up to whole tiles of 4. */
export function sizesOf(n: number): Readonly<Record<BufferName, number>> {
  return {
    grid: 16,
    table: mostCodes,
    middles: mostCodes,
    factor: n * n,
    hessian: n * n,
    mismatch: n * n,
    costs: n,
    upper: mostWidth * mostWidth,
    weights: n * lanes,
    pending: n * lanes,
    current: n * lanes,
    errors: n * lanes,
    rounded: n * lanes,
    lost: n * lanes,
    codes: n * lanes,
    gradient: n * lanes,
    list: simulated * 3 * lanes,
    chosen: 2 * lanes,
    loss: lanes,
    rowGradient: n,
    rowRounded: n,
    rowCodes: n,
    rowScales: n,
    rowZeros: n,
  }
}

/** Lays the buffers of a weight out, one behind another. */
export function layOut(buffer: ArrayBuffer, stride: number): Buffers {
  const sizes = sizesOf(stride)
  const at = {} as Record<BufferName, number>
  let end = 0
  for (const name of Object.keys(sizes) as BufferName[]) {
    at[name] = end
    end += 4 * sizes[name]
  }
  const views = Object.fromEntries(
    Object.entries(sizes).map(([name, size]) => [name, new Float32Array(buffer, at[name as BufferName], size)]),
  ) as Record<BufferName, Float32Array>
  return { at, views }
}
