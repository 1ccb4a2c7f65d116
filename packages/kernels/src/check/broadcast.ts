import { formatShape, type Shape, TesseraError, type WeightSpec } from '@tessera-llm/tensor'
import { f32Spec } from './check.ts'

/**
 * Returns the shape of `a`. Throws unless `b` is f32 of the same shape or of its last axes (a bias, a position table).
 */
export function checkSuffix(a: WeightSpec, b: WeightSpec, op: string): Shape {
  const left = f32Spec(a, op, 'a').shape
  const right = f32Spec(b, op, 'b').shape
  const suffix = left.slice(Math.max(0, left.length - right.length))
  if (suffix.join() !== right.join()) {
    throw new TesseraError(
      'invalid-shape',
      `${op}: b ${formatShape(right)} must have the shape of a ${formatShape(left)} or of its last axes; reshape it, or swap the two`,
    )
  }
  return left
}
