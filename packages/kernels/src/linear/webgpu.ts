import type { Capabilities, WeightSpec } from '@tessera-llm/tensor'
import { type Binding, linearGrid, type WebGpuKernel, type WebGpuPass } from '@tessera-llm/webgpu'
import { bind, defineWebGpuKernel, u32 } from '../webgpu-kernel/index.ts'
import type { WeightReader } from '../weight-reader/index.ts'
import { type Rounding, roundingOf } from './activations.ts'
import { linearOp } from './contract.ts'
import {
  codesTemporaries,
  dotPriority,
  dotStep,
  gemvRowsDotOf,
  roundCodesPass,
  supportsDot,
  xCodesBindings,
  xCodesFragment,
} from './dot.ts'
import { type GemvPlan, gemvLanes, gemvPlan, gemvRowsOf, gemvWorkgroup } from './gemv.ts'
import gemv from './gemv.wgsl'
import gemvBatch from './gemv-batch.wgsl'
import { matrixKernel } from './matrix.ts'
import { type LinearProblem, productPass, type Sizes, sizesOf, type Specialisation } from './product-pass.ts'
import roundActivations from './round-activations.wgsl'
import { roundingSource } from './rounding.ts'
import tiled from './tiled.wgsl'
import tiledDot from './tiled-dot.wgsl'
import { xFragment, xType } from './x.ts'

/**
 * Up to this many tokens, one lane reads each weight once for all of them; beyond, sharing decoded tiles is cheaper.
 */
const gemvTokens = 8

/**
 * `linear` over weights of the reader's format: matrix-vector for up to 8 tokens, register tiles for any number. A
 * separate pass rounds int8 activations. Their product is an integer one if the reader gives packed codes (`-dot`: one
 * token, or tiles), else that of f32 activations.
 */
export function linearKernels(reader: WeightReader): readonly WebGpuKernel[] {
  return [
    defineWebGpuKernel(linearOp, {
      name: `gemv-${reader.name}`,
      priority: 10,
      supports(problem) {
        const { tokens } = sizesOf(problem)
        return tokens <= gemvTokens
          ? reader.supports(problem.inputs.weight)
          : `takes up to ${gemvTokens} tokens, not ${tokens}`
      },
      passes: (problem, capabilities) =>
        linearPasses(problem, reader, (sizes, weight) => gemvPass(sizes, reader, weight, capabilities)),
      temporaries: roundedBytes,
    }),
    defineWebGpuKernel(linearOp, {
      name: `tiled-${reader.name}`,
      supports: ({ inputs: { weight } }) => reader.supports(weight),
      passes: (problem) => linearPasses(problem, reader, (sizes, weight) => tiledPass(sizes, reader, weight)),
      temporaries: roundedBytes,
    }),
    ...dotKernels(reader),
    matrixKernel(reader),
  ]
}

function dotKernels(reader: WeightReader): readonly WebGpuKernel[] {
  const supports = ({ inputs: { weight }, options }: LinearProblem, capabilities: Capabilities): true | string => {
    const reads = reader.supports(weight)
    if (reads !== true) return reads
    if (roundingOf(weight, options, weight.shape[1] ?? 0) === undefined)
      return 'multiplies rounded activations, and these stay f32'
    return supportsDot([reader], [weight], capabilities)
  }
  const temporaries = (problem: LinearProblem): Readonly<Record<string, number>> =>
    codesTemporaries(sizesOf(problem).tokens, sizesOf(problem).columns)
  return [
    defineWebGpuKernel(linearOp, {
      name: `gemv-dot-${reader.name}`,
      priority: (capabilities) => dotPriority(30, capabilities),
      supports: (problem, capabilities) =>
        sizesOf(problem).tokens === 1
          ? supports(problem, capabilities)
          : `takes one token, not ${sizesOf(problem).tokens}`,
      passes: (problem, capabilities) =>
        dotPasses(problem, reader, capabilities, (sizes, weight) => gemvDotPass(sizes, reader, weight, capabilities)),
      temporaries,
    }),
    defineWebGpuKernel(linearOp, {
      name: `tiled-dot-${reader.name}`,
      priority: (capabilities) => dotPriority(20, capabilities),
      supports,
      passes: (problem, capabilities) =>
        dotPasses(problem, reader, capabilities, (sizes, weight) => tiledDotPass(sizes, reader, weight)),
      temporaries,
    }),
  ]
}

function gemvPass(
  { tokens, rows, columns }: Sizes,
  reader: WeightReader,
  weight: WeightSpec,
  capabilities: Capabilities,
): Specialisation {
  const { name } = reader
  const groupSize = reader.groupSize(weight)
  const plan = gemvPlan(rows, columns, groupSize, capabilities)
  if (tokens === 1)
    return oneTokenPass(`gemv-${name}`, rows, plan, ['fn begin_x() {}', ...gemvRowsOf(reader, weight)], capabilities)
  return {
    name: `gemv-${name}`,
    source: gemvBatch,
    fragments: reader.fragments(weight),
    constants: {
      M: tokens,
      GROUP: groupSize,
      HAS_MINIMUM: reader.hasMinimum(weight) ? 1 : 0,
      ROWS: plan.rowsPerLane,
      LANES: plan.lanes,
      WORKGROUP: gemvWorkgroup,
    },
    workgroups: linearGrid(tokens === 0 ? 0 : Math.ceil(rows / plan.workgroupRows)),
  }
}

/** Product of one token with the rows of `fragments`. */
function oneTokenPass(
  name: string,
  rows: number,
  plan: GemvPlan,
  fragments: readonly string[],
  capabilities: Capabilities,
): Specialisation {
  const { enables, fragment, sum, constants } = gemvLanes(plan, capabilities)
  return {
    name,
    source: gemv,
    enables,
    fragments: [fragment, sum, ...fragments],
    constants,
    workgroups: linearGrid(Math.ceil(rows / plan.workgroupRows)),
  }
}

function tiledPass({ tokens, rows }: Sizes, { name, fragments }: WeightReader, weight: WeightSpec): Specialisation {
  const perLane = tokensPerLane(tokens)
  return {
    name: `tiled-${name}`,
    source: tiled,
    fragments: fragments(weight),
    constants: { TM: perLane, TK: perLane === 8 ? 16 : 32 },
    workgroups: [Math.ceil(rows / 64), Math.ceil(tokens / (8 * perLane)), 1],
  }
}

function gemvDotPass(
  { rows, columns }: Sizes,
  reader: WeightReader,
  weight: WeightSpec,
  capabilities: Capabilities,
): Specialisation {
  return oneTokenPass(
    `gemv-dot-${reader.name}`,
    rows,
    gemvPlan(rows, columns, dotStep(reader, weight), capabilities),
    gemvRowsDotOf(reader, weight),
    capabilities,
  )
}

function tiledDotPass({ tokens, rows }: Sizes, reader: WeightReader, weight: WeightSpec): Specialisation {
  const perLane = tokensPerLane(tokens)
  return {
    name: `tiled-dot-${reader.name}`,
    source: tiledDot,
    fragments: reader.fragments(weight),
    constants: { TM: perLane, STEP: dotStep(reader, weight), HAS_MINIMUM: reader.hasMinimum(weight) ? 1 : 0 },
    workgroups: [Math.ceil(rows / 64), Math.ceil(tokens / (8 * perLane)), 1],
  }
}

/** Few tokens get a low tile, so that lanes do not compute missing tokens. */
function tokensPerLane(tokens: number): number {
  return tokens <= 8 ? 1 : tokens <= 16 ? 2 : tokens <= 32 ? 4 : 8
}

function dotPasses(
  problem: LinearProblem,
  reader: WeightReader,
  capabilities: Capabilities,
  specialise: (sizes: Sizes, weight: WeightSpec) => Specialisation,
): readonly WebGpuPass[] {
  const { weight } = problem.inputs
  const { tokens, columns } = sizesOf(problem)
  const rounding = roundingOf(weight, problem.options, columns)
  return [
    ...(rounding ? [roundCodesPass({ tokens, columns, rounding }, capabilities)] : []),
    productPass(problem, xCodesBindings, xCodesFragment, reader, specialise(sizesOf(problem), weight)),
  ]
}

function linearPasses(
  problem: LinearProblem,
  reader: WeightReader,
  specialise: (sizes: Sizes, weight: WeightSpec) => Specialisation,
): readonly WebGpuPass[] {
  const { weight } = problem.inputs
  const { tokens, columns } = sizesOf(problem)
  const rounding = roundingOf(weight, problem.options, columns)
  const x: Binding = {
    name: 'x',
    tensor: rounding === undefined ? 'x' : 'rounded',
    access: 'read',
    type: xType(columns),
  }
  const product = productPass(problem, [x], xFragment(columns), reader, specialise(sizesOf(problem), weight))
  return rounding === undefined ? [product] : [roundPass(tokens, columns, rounding), product]
}

export function roundPass(tokens: number, columns: number, rounding: Rounding): WebGpuPass {
  const { fragment, params } = roundingSource(rounding)
  const { block } = rounding
  return {
    name: 'round-activations',
    source: roundActivations,
    bindings: [bind('x', 'read'), bind('rounded', 'read_write')],
    fragments: [fragment],
    params: { tokens: u32(tokens), columns: u32(columns), block: u32(block), ...params },
    workgroups: linearGrid(Math.ceil((tokens * Math.ceil(columns / block)) / 64)),
  }
}

function roundedBytes(problem: LinearProblem): Readonly<Record<string, number>> {
  const { tokens, columns } = sizesOf(problem)
  return roundingOf(problem.inputs.weight, problem.options, columns) === undefined
    ? {}
    : { rounded: 4 * tokens * columns }
}
