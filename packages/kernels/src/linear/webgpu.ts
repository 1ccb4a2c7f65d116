import { type Capabilities, type Problem, rowsOf, type WeightSpec } from '@tessera-llm/tensor'
import { type Binding, linearGrid, type WebGpuKernel, type WebGpuPass } from '@tessera-llm/webgpu'
import { bind, defineWebGpuKernel, u32 } from '../webgpu-kernel/index.ts'
import type { WeightReader } from '../weight-reader/index.ts'
import { type LinearInputs, linearOp, type LinearOptions, type LinearOutputs, roundedBlock } from './contract.ts'
import { gemvPlan, gemvRowsOf, gemvWorkgroup, laneFragments } from './gemv.ts'
import gemv from './gemv.wgsl'
import gemvBatch from './gemv-batch.wgsl'
import roundActivations from './round-activations.wgsl'
import tiled from './tiled.wgsl'
import { xFragment, xType } from './x.ts'

/** Tokens up to which each weight is read once by one lane for all of them; beyond, sharing decoded tiles costs less. */
const gemvTokens = 8

type LinearProblem = Problem<LinearInputs, LinearOutputs, LinearOptions>

/**
 * `linear` over weights that the reader reads: matrix-vector for up to 8 tokens, register tiles for any number. int8 activations are
 * rounded by a pass of their own; the product is then that of f32 activations.
 */
export function linearKernels(reader: WeightReader): readonly WebGpuKernel[] {
  return [
    defineWebGpuKernel(linearOp, {
      name: `gemv-${reader.name}`,
      priority: 10,
      supports(problem) {
        const { tokens } = sizesOf(problem)
        return tokens <= gemvTokens ? reader.supports(problem.inputs.weight) : `takes up to ${gemvTokens} tokens, not ${tokens}`
      },
      passes: (problem, capabilities) => linearPasses(problem, reader, (sizes, weight) => gemvPass(sizes, reader, weight, capabilities)),
      temporaries: roundedBytes,
    }),
    defineWebGpuKernel(linearOp, {
      name: `tiled-${reader.name}`,
      supports: ({ inputs: { weight } }) => reader.supports(weight),
      passes: (problem) => linearPasses(problem, reader, (sizes, weight) => tiledPass(sizes, reader, weight)),
      temporaries: roundedBytes,
    }),
  ]
}

interface Sizes {
  readonly tokens: number
  readonly rows: number
  readonly columns: number
}

type Specialisation = Pick<WebGpuPass, 'name' | 'source' | 'constants' | 'workgroups'> & { readonly fragments: readonly string[] }

function gemvPass({ tokens, rows, columns }: Sizes, reader: WeightReader, weight: WeightSpec, capabilities: Capabilities): Specialisation {
  const { name } = reader
  const groupSize = reader.groupSize(weight)
  const { lanes, rowsPerLane, workgroupRows } = gemvPlan(rows, columns, groupSize, capabilities)
  const workgroups = linearGrid(tokens === 0 ? 0 : Math.ceil(rows / workgroupRows))
  const constants = { ROWS: rowsPerLane, LANES: lanes, WORKGROUP: gemvWorkgroup }
  if (tokens !== 1) {
    return { name: `gemv-${name}`, source: gemvBatch, fragments: reader.fragments(weight), constants: { M: tokens, GROUP: groupSize, HAS_MINIMUM: reader.hasMinimum(weight) ? 1 : 0, ...constants }, workgroups }
  }
  const { place, sum } = laneFragments()
  return { name: `gemv-${name}`, source: gemv, fragments: ['fn begin_x() {}', ...gemvRowsOf(reader, weight), place, sum], constants, workgroups }
}

function tiledPass({ tokens, rows }: Sizes, { name, fragments }: WeightReader, weight: WeightSpec): Specialisation {
  // Few tokens get a low tile, so that lanes do not compute tokens that are not there.
  const perLane = tokens <= 8 ? 1 : tokens <= 16 ? 2 : tokens <= 32 ? 4 : 8
  return { name: `tiled-${name}`, source: tiled, fragments: fragments(weight), constants: { TM: perLane, TK: perLane === 8 ? 16 : 32 }, workgroups: [Math.ceil(rows / 64), Math.ceil(tokens / (8 * perLane)), 1] }
}

function linearPasses(problem: LinearProblem, reader: WeightReader, specialise: (sizes: Sizes, weight: WeightSpec) => Specialisation): readonly WebGpuPass[] {
  const { weight, bias, residual } = problem.inputs
  const { tokens, rows, columns } = sizesOf(problem)
  const block = roundedBlock(weight, problem.options, columns)
  const isRounded = block !== undefined
  const { fragments: specialFragments, ...special } = specialise({ tokens, rows, columns }, weight)
  const bindings: Binding[] = [
    { name: 'x', tensor: isRounded ? 'rounded' : 'x', access: 'read', type: xType(columns) },
    ...reader.bindings(weight),
    ...(bias ? [bind('bias', 'read')] : []),
    ...(residual ? [bind('residual', 'read')] : []),
    bind('y', 'read_write'),
  ]
  const fragments = [
    xFragment(columns),
    ...specialFragments,
    `fn bias_of(row: u32) -> f32 { return ${bias ? 'bias[row]' : '0.0'}; }`,
    `fn residual_of(at: u32) -> f32 { return ${residual ? 'residual[at]' : '0.0'}; }`,
  ]
  const product = { ...special, bindings, fragments, params: { tokens: u32(tokens), rows: u32(rows), columns: u32(columns) } }
  return isRounded ? [roundPass(tokens, columns, block), product] : [product]
}

export function roundPass(tokens: number, columns: number, block: number): WebGpuPass {
  return {
    name: 'round-activations',
    source: roundActivations,
    bindings: [bind('x', 'read'), bind('rounded', 'read_write')],
    params: { tokens: u32(tokens), columns: u32(columns), block: u32(block) },
    workgroups: linearGrid(Math.ceil((tokens * Math.ceil(columns / block)) / 64)),
  }
}

function roundedBytes(problem: LinearProblem): Readonly<Record<string, number>> {
  const { tokens, columns } = sizesOf(problem)
  return roundedBlock(problem.inputs.weight, problem.options, columns) === undefined ? {} : { rounded: 4 * tokens * columns }
}

function sizesOf({ inputs: { weight }, outputs: { y } }: LinearProblem): Sizes {
  const [rows = 0, columns = 0] = weight.shape
  return { tokens: rowsOf(y.shape), rows, columns }
}
