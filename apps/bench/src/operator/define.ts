import type { Op, OpInputs, OpOptions, OpOutputs } from '@tessera-llm/tensor'
import type { OnnxNodeSpec, OnnxSpec, Operator } from './operator.ts'

/** Converts an op of any type to one of the table, whose inputs are keyed by name. */
export function operator<I extends OpInputs, O extends OpOutputs, X extends OpOptions>(
  name: string,
  op: Op<I, O, X>,
  options: X,
  rest: Omit<Operator, 'name' | 'op' | 'options' | 'output'> & { readonly output?: string },
): Operator {
  return { name, op: op as unknown as Op, options, output: 'y', ...rest }
}

export const onnx =
  (...nodes: readonly OnnxNodeSpec[]): (() => OnnxSpec) =>
  () => ({ nodes })
export const microsoft = { domain: 'com.microsoft' } as const
