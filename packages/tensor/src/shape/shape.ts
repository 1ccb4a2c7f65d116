import { TesseraError } from '../error/index.ts'

/** Axis lengths, outermost first; tensors are always contiguous and row-major. */
export type Shape = readonly number[]

/** Number of elements. A scalar (`[]`) has one. */
export function sizeOf(shape: Shape): number {
  let size = 1
  for (const length of shape) size *= length
  return size
}

/** Throws unless every axis is a non-negative integer and the element count stays exact. */
export function checkShape(shape: Shape, op: string): void {
  for (const [axis, length] of shape.entries()) {
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new TesseraError(
        'invalid-shape',
        `${op}: axis ${axis} of ${formatShape(shape)} must be a non-negative integer, not ${length}`,
      )
    }
  }
  if (!Number.isSafeInteger(sizeOf(shape)))
    throw new TesseraError('invalid-shape', `${op}: ${formatShape(shape)} has too many elements to count`)
}

/** Whether two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis])
}

/** `[2, 9, 64]`, for messages. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`
}

/** Product of all axes but the last: the number of rows of a row-wise op. */
export function rowsOf(shape: Shape): number {
  return shape.length === 0 ? 1 : sizeOf(shape.slice(0, -1))
}

/** Length of the last axis; 1 for a scalar. */
export function lastAxis(shape: Shape): number {
  return shape.at(-1) ?? 1
}
