import { type Cost, dense, describeProblem, type Op, type OpOptions, type Shape } from '@tessera-llm/tensor'

/** An input whose values are made on demand. */
export interface OperatorInput {
  readonly dtype: 'f32' | 'f16' | 'i32'
  readonly shape: Shape
  /** For f16, the bits. */
  data(): Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Int32Array<ArrayBuffer>
}
export type OperatorInputs = Readonly<Record<string, OperatorInput>>

/**
 * An ONNX node, or two if no single node does the same. Inputs are those of the op by name; `chain` means the result of
 * the first node.
 */
export interface OnnxNodeSpec {
  readonly operator: string
  readonly domain?: 'com.microsoft'
  /** An empty name is an optional input that is not given. */
  readonly inputs: readonly string[]
  readonly integers?: Readonly<Record<string, number>>
  readonly floats?: Readonly<Record<string, number>>
  /** Number of outputs; the compared one is `output`. */
  readonly outputs?: number
  readonly output?: number
}
export interface OnnxSpec {
  readonly nodes: readonly OnnxNodeSpec[]
  /** Inputs that the op has as options: f32 or i64 constants. */
  readonly constants?: Readonly<
    Record<string, { readonly type: 'f32' | 'i64'; readonly shape: Shape; readonly value: number }>
  >
  /** Shapes of inputs that differ in ONNX. */
  readonly shapes?: Readonly<Record<string, Shape>>
}

/** One op on one kind of problem. Shapes follow from a size. */
export interface Operator {
  readonly name: string
  readonly op: Op
  readonly options: OpOptions
  /** One token of SmolLM2-135M, and many tokens of a larger model. */
  readonly sizes: readonly (readonly number[])[]
  inputs(size: readonly number[]): OperatorInputs
  /** The compared output, or the input that is written in place. */
  readonly output: string
  /**
   * Input that takes the output of the previous call, so that calls depend on each other as in a model. Without it, all
   * calls get the same inputs.
   */
  readonly chained?: string
  onnx?(size: readonly number[]): OnnxSpec
}

/** Least bytes and operations of a call, as its contract counts them. */
export function costOfOperator({ op, options, inputs }: Operator, size: readonly number[]): Cost {
  const specs = Object.fromEntries(
    Object.entries(inputs(size)).map(([name, { dtype, shape }]) => [name, dense(dtype, shape)]),
  )
  return op.cost(describeProblem(op, specs, options))
}

/** Elements that a participant returns as its answer. */
export function probesOfOutput(elements: number): readonly number[] {
  return [0, 1, Math.floor(elements / 3), elements >> 1, elements - 2, elements - 1].filter(
    (at) => at >= 0 && at < elements,
  )
}
