import { type Problem, rowsOf } from '@tessera-llm/tensor'
import type { Binding, WebGpuPass } from '@tessera-llm/webgpu'
import type { WeightReader } from '../weight-reader/index.ts'
import { bind, u32 } from '../webgpu-kernel/index.ts'
import type { LinearInputs, LinearOptions, LinearOutputs } from './contract.ts'

export type LinearProblem = Problem<LinearInputs, LinearOutputs, LinearOptions>

export interface Sizes {
  readonly tokens: number
  readonly rows: number
  readonly columns: number
}

/** Bindings and parameters that an algorithm adds to the common ones. */
export type Specialisation = Pick<
  WebGpuPass,
  'name' | 'source' | 'enables' | 'aliases' | 'constants' | 'workgroups'
> & { readonly fragments: readonly string[] }

export function productPass(
  problem: LinearProblem,
  xBindings: readonly Binding[],
  xSource: string,
  reader: WeightReader,
  { fragments, ...special }: Specialisation,
): WebGpuPass {
  const { weight, bias, residual } = problem.inputs
  const { tokens, rows, columns } = sizesOf(problem)
  return {
    ...special,
    bindings: [
      ...xBindings,
      ...reader.bindings(weight),
      ...(bias ? [bind('bias', 'read')] : []),
      ...(residual ? [bind('residual', 'read')] : []),
      bind('y', 'read_write'),
    ],
    fragments: [
      xSource,
      ...fragments,
      `fn bias_of(row: u32) -> f32 { return ${bias ? 'bias[row]' : '0.0'}; }`,
      `fn residual_of(at: u32) -> f32 { return ${residual ? 'residual[at]' : '0.0'}; }`,
    ],
    params: { tokens: u32(tokens), rows: u32(rows), columns: u32(columns) },
  }
}

export function sizesOf({ inputs: { weight }, outputs: { y } }: LinearProblem): Sizes {
  const [rows = 0, columns = 0] = weight.shape
  return { tokens: rowsOf(y.shape), rows, columns }
}
