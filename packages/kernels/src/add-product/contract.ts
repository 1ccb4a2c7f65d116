import { denseSpec, formatShape, type Op, type Tensor, TesseraError, toleranceOf } from '@tessera-llm/tensor'

/** Inputs of `addProduct`: left f32[T, M], right f32[T, N], total f64[M, N] (written in place). */
export type AddProductInputs = { readonly left: Tensor; readonly right: Tensor; readonly total: Tensor }

/** Options of `addProduct`. */
export type AddProductOptions = {
  /**
   * Only what lies on the diagonal and above is wanted; what is below may be added too, or not. For a product with
   * itself.
   */
  readonly isUpper?: boolean | undefined
}

/**
 * `total += leftᵀ · right`: left f32[T, M], right f32[T, N], products summed in f32, total f64[M, N] (written in
 * place).
 */
export const addProductOp: Op<AddProductInputs, Record<string, never>, AddProductOptions> = {
  id: 'add-product',
  version: 1,
  package: '@tessera-llm/kernels',
  writes: ['total'],
  validate({ left, right, total }) {
    const a = denseSpec(left, 'add-product', 'left')
    const b = denseSpec(right, 'add-product', 'right')
    const c = denseSpec(total, 'add-product', 'total')
    if (a.dtype !== 'f32' || b.dtype !== 'f32' || c.dtype !== 'f64')
      throw new TesseraError(
        'invalid-dtype',
        `add-product: left and right must be f32 and total f64, not ${a.dtype}, ${b.dtype} and ${c.dtype}`,
      )
    const [rows = 0, m = 0] = a.shape
    const [others = 0, n = 0] = b.shape
    if ([a, b, c].some(({ shape }) => shape.length !== 2) || rows !== others || c.shape[0] !== m || c.shape[1] !== n)
      throw new TesseraError(
        'invalid-shape',
        `add-product: left [T, M] and right [T, N] are added to [M, N], not ${formatShape(a.shape)} and ${formatShape(b.shape)} to ${formatShape(c.shape)}`,
      )
    return {}
  },
  // As in `matmul`, partial sums of T products of magnitude 1 and random sign reach √T.
  tolerance: ({ inputs: { left } }) => {
    const [rows = 0] = left.shape
    return toleranceOf({ dtype: 'f32', reduce: rows, scale: Math.sqrt(rows) })
  },
  cost({ inputs: { left, right }, options: { isUpper } }) {
    const [rows = 0, m = 0] = left.shape
    const [, n = 0] = right.shape
    return {
      flops: (isUpper ? 1 : 2) * rows * m * n,
      bytesRead: 4 * rows * (m + n) + 8 * m * n,
      bytesWritten: 8 * m * n,
    }
  },
  reference({ left, right, total }) {
    const [rows = 0, m = 0] = left.shape
    const [, n = 0] = right.shape
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = total.data[i * n + j] as number
        for (let row = 0; row < rows; row++)
          sum += (left.data[row * m + i] as number) * (right.data[row * n + j] as number)
        total.data[i * n + j] = sum
      }
    }
    return {}
  },
}

/** @param total added to in place */
export function addProduct(left: Tensor, right: Tensor, total: Tensor, options: AddProductOptions = {}): void {
  left.device.run(addProductOp, { left, right, total }, options)
}
