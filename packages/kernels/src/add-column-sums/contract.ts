import { denseSpec, formatShape, type Op, sizeOf, type Tensor, TesseraError } from '@tessera-llm/tensor'

/**
 * Inputs of `addColumnSums`: x f32[T, K]; sums f64[3, K] (values, squares, magnitudes) and largest f32[K], both written
 * in place.
 */
export type AddColumnSumsInputs = { readonly x: Tensor; readonly sums: Tensor; readonly largest: Tensor }

/**
 * Sums over the rows of x f32[T, K] are added to `sums` f64[3, K], of values, of squares and of magnitudes, row after
 * row in f64, and `largest` f32[K] becomes the largest magnitude; both are written in place.
 */
export const addColumnSumsOp: Op<AddColumnSumsInputs, Record<string, never>, Record<string, never>> = {
  id: 'add-column-sums',
  version: 1,
  package: '@tessera-llm/kernels',
  writes: ['sums', 'largest'],
  validate(inputs) {
    const x = denseSpec(inputs.x, 'add-column-sums', 'x')
    const sums = denseSpec(inputs.sums, 'add-column-sums', 'sums')
    const largest = denseSpec(inputs.largest, 'add-column-sums', 'largest')
    const [, columns = 0] = x.shape
    if (x.dtype !== 'f32' || sums.dtype !== 'f64' || largest.dtype !== 'f32')
      throw new TesseraError(
        'invalid-dtype',
        `add-column-sums: x and largest must be f32 and sums f64, not ${x.dtype}, ${largest.dtype} and ${sums.dtype}`,
      )
    if (x.shape.length !== 2 || sizeOf(sums.shape) !== 3 * columns || sizeOf(largest.shape) !== columns)
      throw new TesseraError(
        'invalid-shape',
        `add-column-sums: x [T, K] takes sums [3, K] and largest [K], not ${formatShape(x.shape)}, ${formatShape(sums.shape)} and ${formatShape(largest.shape)}`,
      )
    return {}
  },
  tolerance: () => ({ atol: 0, rtol: 0, nmse: 0 }),
  cost: ({ inputs: { x } }) => ({ flops: 6 * sizeOf(x.shape), bytesRead: 4 * sizeOf(x.shape), bytesWritten: 0 }),
  reference({ x, sums, largest }) {
    const [rows = 0, columns = 0] = x.shape
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const value = x.data[row * columns + column] as number
        for (const [part, term] of [value, value * value, Math.abs(value)].entries())
          sums.data[part * columns + column] = (sums.data[part * columns + column] as number) + term
        largest.data[column] = Math.max(largest.data[column] as number, Math.abs(value))
      }
    }
    return {}
  },
}

/** `sums` and `largest` are added to in place. */
export function addColumnSums(x: Tensor, sums: Tensor, largest: Tensor): void {
  x.device.run(addColumnSumsOp, { x, sums, largest }, {})
}
