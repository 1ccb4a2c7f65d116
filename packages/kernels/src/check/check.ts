import { denseSpec, formatShape, type TensorSpec, TesseraError, type WeightSpec } from '@tessera-llm/tensor'

/** Returns the spec of an input. Throws, naming op and input, unless it is dense f32. */
export function f32Spec(spec: WeightSpec | undefined, op: string, name: string): TensorSpec {
  const found = denseSpec(spec, op, name)
  if (found.dtype !== 'f32') throw new TesseraError('invalid-dtype', `${op}: ${name} must be f32, not ${found.dtype}`)
  return found
}

/** Throws unless the input is absent or dense f32 of this shape. */
export function checkF32(spec: WeightSpec | undefined, shape: readonly number[], op: string, name: string): void {
  if (spec === undefined) return
  const found = f32Spec(spec, op, name)
  if (found.shape.join() !== shape.join())
    throw new TesseraError(
      'invalid-shape',
      `${op}: ${name} must have shape ${formatShape(shape)}, not ${formatShape(found.shape)}`,
    )
}

/** Throws unless `value` is one of the allowed names. */
export function checkChoice(value: string, allowed: readonly string[], op: string, name: string): void {
  if (!allowed.includes(value))
    throw new TesseraError(
      'invalid-option',
      `${op}: ${name} must be one of ${allowed.join(', ')}, not ${JSON.stringify(value)}`,
    )
}
