import { byteLengthOf } from '../dtype/index.ts'
import { TesseraError } from '../error/index.ts'
import { sizeOf } from '../shape/index.ts'
import type { Tensor, Weight } from '../tensor/index.ts'
import type { InputSpecs, OpInputs, OpOutputs, OpOptions, Op, Problem, TensorSpec, WeightSpec } from './op.ts'

/** Spec of a tensor or packed weight, without its values. */
export function specOf(tensor: Weight): WeightSpec {
  return tensor.kind === 'dense'
    ? { kind: 'dense', dtype: tensor.dtype, shape: tensor.shape }
    : { kind: 'packed', format: tensor.format, shape: tensor.shape }
}

/** Spec of a dense tensor. */
export function dense(dtype: TensorSpec['dtype'], shape: TensorSpec['shape']): TensorSpec {
  return { kind: 'dense', dtype, shape }
}

/** Validates the specs and returns the problem of the call. */
export function describeProblem<I extends OpInputs, O extends OpOutputs, X extends OpOptions>(
  op: Op<I, O, X>,
  inputs: InputSpecs<I>,
  options: X,
): Problem<I, O, X> {
  return { op: op.id, inputs, outputs: op.validate(inputs, options), options }
}

/** Canonical text of a problem: equal if and only if every kernel would treat two calls alike. */
export function problemKey(problem: Problem): string {
  const specs = Object.entries(problem.inputs).map(
    ([name, spec]) =>
      `${name}:${spec === undefined ? '-' : `${spec.kind === 'dense' ? spec.dtype : `${spec.format.id}@${spec.format.version}`}[${spec.shape.join()}]`}`,
  )
  const options = Object.entries(problem.options)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `${problem.op}(${specs.sort().join(' ')})${JSON.stringify(options)}`
}

/** Bytes that a tensor of this spec occupies. */
export function specBytes(spec: WeightSpec): number {
  if (spec.kind === 'dense') return byteLengthOf(spec.dtype, sizeOf(spec.shape))
  return Object.values(spec.format.parts(spec.shape)).reduce(
    (sum, part) => sum + byteLengthOf(part.dtype, sizeOf(part.shape)),
    0,
  )
}

/** Returns the dense spec of an input. Throws, naming op and input, if it is missing or packed. */
export function denseSpec(spec: WeightSpec | undefined, op: string, name: string): TensorSpec {
  if (spec === undefined) throw new TesseraError('invalid-option', `${op}: the input ${name} is required`)
  if (spec.kind === 'packed')
    throw new TesseraError(
      'invalid-dtype',
      `${op}: ${name} must be a dense tensor, not packed as ${spec.format.id}; unpack it first`,
    )
  return spec
}

/** Returns the device of all inputs. Throws `device-mismatch` if they are on different devices. */
export function commonDevice(inputs: OpInputs, op: string): Tensor['device'] {
  let device: Tensor['device'] | undefined
  for (const [name, tensor] of Object.entries(inputs)) {
    if (tensor === undefined) continue
    device ??= tensor.device
    if (tensor.device !== device) {
      throw new TesseraError(
        'device-mismatch',
        `${op}: ${name} is on ${tensor.device.name}, the other inputs are on ${device.name}; move it with device.tensor(await other.read(x), x.shape)`,
      )
    }
  }
  if (device === undefined) throw new TesseraError('invalid-option', `${op}: needs at least one input tensor`)
  return device
}
