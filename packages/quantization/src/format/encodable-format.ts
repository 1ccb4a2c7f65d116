import { formatShape, type Shape, sizeOf, TesseraError } from '@tessera-llm/tensor'
import type { BlockFormat } from './block-format.ts'

/** Options of an encoder beside the values. */
export interface EncodeOptions {
  /**
   * f32[K], one weight ≥ 0 for each column of [N, K]: how much a squared error in that column costs, usually the mean
   * square of the activations that meet it (an importance matrix). Formats that do not search for their scales pay no
   * heed to it.
   */
  readonly importance?: Float32Array
}

/** A format that values can be rounded to, not only read from. */
export interface EncodableFormat extends BlockFormat {
  /**
   * The stored parts of f32 values [N, K], each row for itself, so that a large weight can be encoded some rows at a
   * time. Throws `invalid-shape` when the rows do not fit the format or the lengths do not agree, `invalid-value` with
   * the index of the first NaN or infinity, `unsupported` where the format can only be read.
   */
  encode(values: Float32Array, shape: Shape, options?: EncodeOptions): Readonly<Record<string, Uint8Array>>
}

/** Throws unless `values` has the size of `shape` and every value is finite. */
export function checkValues(id: string, values: Float32Array, shape: Shape): void {
  if (values.length !== sizeOf(shape))
    throw new TesseraError(
      'invalid-shape',
      `${id}: ${formatShape(shape)} has ${sizeOf(shape)} values, got ${values.length}; pass all of them, row-major`,
    )
  const index = firstNonFinite(values)
  if (index >= 0) {
    throw new TesseraError(
      'invalid-value',
      `${id}: the value at index ${index} of ${formatShape(shape)} is ${values[index]}; only finite values can be encoded, so the weight is damaged or its training diverged`,
      { details: { index } },
    )
  }
}

/** Throws unless `importance` holds one finite weight ≥ 0 for each of the `columns`. */
export function checkImportance(id: string, importance: Float32Array, columns: number): void {
  if (importance.length !== columns)
    throw new TesseraError(
      'invalid-shape',
      `${id}: importance holds one weight for each of the ${columns} columns, got ${importance.length}; use the statistics of this weight's own input`,
    )
  const index = importance.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY))
  if (index >= 0)
    throw new TesseraError(
      'invalid-value',
      `${id}: importance is ${importance[index]} at column ${index}; weights are finite and not negative, like mean squares of activations`,
      { details: { index } },
    )
}

/** Index of the first NaN or infinity, −1 when all are finite. */
export function firstNonFinite(values: Float32Array): number {
  // One more in the exponent's last place of a magnitude reaches the sign bit where the exponent is all ones, so that
  // an OR of integers tells, without a branch for each value and without the wait between two additions of floats.
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length)
  const whole = bits.length & ~3
  let any = 0
  let other = 0
  for (let i = 0; i < whole; i += 4) {
    any |= (((bits[i] as number) & 0x7fffffff) + 0x800000) | (((bits[i + 1] as number) & 0x7fffffff) + 0x800000)
    other |= (((bits[i + 2] as number) & 0x7fffffff) + 0x800000) | (((bits[i + 3] as number) & 0x7fffffff) + 0x800000)
  }
  for (let i = whole; i < bits.length; i++) any |= ((bits[i] as number) & 0x7fffffff) + 0x800000
  return (any | other) >= 0 ? -1 : values.findIndex((value) => !Number.isFinite(value))
}
