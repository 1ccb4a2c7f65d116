import type { DType } from '../dtype/index.ts'
import type { Format } from '../format/index.ts'
import type { Shape } from '../shape/index.ts'
import type { Tensor, Weight } from '../tensor/index.ts'

/** Inputs by name; a missing optional input is `undefined`. Write concrete ones as `type`, not `interface`. */
export type OpInputs = { readonly [name: string]: Weight | undefined }
/** Outputs by name. */
export type OpOutputs = { readonly [name: string]: Tensor }
/** Options of an op: JSON, so that a problem has a canonical key. */
export type OpOptions = { readonly [name: string]: JsonValue | undefined }
/** A JSON value. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue | undefined }

/** Shape and dtype of a dense tensor, without its values. */
export interface TensorSpec {
  readonly kind: 'dense'
  readonly dtype: DType
  readonly shape: Shape
}

/** Shape and format of a packed weight, without its values. */
export interface PackedSpec {
  readonly kind: 'packed'
  readonly format: Format
  readonly shape: Shape
}

/** Shape, and dtype or format, of a weight without its values. */
export type WeightSpec = TensorSpec | PackedSpec
/** Specs of an op's inputs, by name. */
export type InputSpecs<I extends OpInputs = OpInputs> = {
  readonly [K in keyof I]: WeightSpec | Extract<I[K], undefined>
}
/** Specs of an op's outputs, by name. */
export type OutputSpecs<O extends OpOutputs = OpOutputs> = { readonly [K in keyof O]: TensorSpec }

/** One call: everything that a kernel may depend on except the values. */
export interface Problem<
  I extends OpInputs = OpInputs,
  O extends OpOutputs = OpOutputs,
  X extends OpOptions = OpOptions,
> {
  readonly op: string
  readonly inputs: InputSpecs<I>
  readonly outputs: OutputSpecs<O>
  readonly options: X
}

/** Values on the reference device: float64 for every dtype (integers are exact up to 2^53). */
export interface HostTensor {
  readonly dtype: DType
  readonly shape: Shape
  readonly data: Float64Array
}
/** Inputs of an op's float64 reference, by name. */
export type HostInputs<I extends OpInputs = OpInputs> = {
  readonly [K in keyof I]: HostTensor | Extract<I[K], undefined>
}
/** Outputs of an op's float64 reference, by name; row-major. */
export type HostOutputs<O extends OpOutputs = OpOutputs> = { readonly [K in keyof O]: Float64Array }

/** Allowed difference per element, `|a - r| <= atol + rtol * |r|`, and allowed normalized mean squared error. */
export interface Tolerance {
  readonly atol: number
  readonly rtol: number
  readonly nmse: number
}

/** Work of one call: the two axes of the roofline model. */
export interface Cost {
  readonly flops: number
  readonly bytesRead: number
  readonly bytesWritten: number
}

/** Inputs of a backward rule: handles of the forward pass and gradients of its outputs. */
export interface VjpContext<I extends OpInputs, O extends OpOutputs, X extends OpOptions> {
  readonly inputs: I
  readonly outputs: O
  readonly options: X
  readonly gradients: { readonly [K in keyof O]: Tensor | undefined }
}

/**
 * An op is a contract: names, shapes, dtypes, valid options, allowed deviation of kernels, cost, and a slow float64
 * definition. It holds no kernel. Ops match by `id` and `version`, never by identity.
 */
export interface Op<I extends OpInputs = OpInputs, O extends OpOutputs = OpOutputs, X extends OpOptions = OpOptions> {
  readonly id: string
  readonly version: number
  /** Package whose kernels implement it; the `missing-kernel` error names it. */
  readonly package: string
  /** Checks the whole call (throws `TesseraError`) and returns the specs of the outputs. */
  validate(inputs: InputSpecs<I>, options: X): OutputSpecs<O>
  tolerance(problem: Problem<I, O, X>): Tolerance
  cost(problem: Problem<I, O, X>): Cost
  /** Float64 definition as plain, evidently correct loops. Mutates the data of inputs named in `writes`. */
  reference(inputs: HostInputs<I>, options: X, problem: Problem<I, O, X>): HostOutputs<O>
  /** Inputs that the op changes in place (KV append, optimizer state). */
  readonly writes?: readonly (keyof I & string)[]
  /** Outputs that the backward pass needs (LSE of attention). */
  readonly saves?: readonly (keyof O & string)[]
  /** Returns gradients of the inputs, as ops on the same device. */
  vjp?(context: VjpContext<I, O, X>): { readonly [K in keyof I]?: Tensor }
}

/** Returns the op itself, typed: `defineOp<Inputs, Outputs, Options>({ … })`. */
export function defineOp<I extends OpInputs, O extends OpOutputs, X extends OpOptions>(op: Op<I, O, X>): Op<I, O, X> {
  return op
}
