import { type Capabilities, type Problem, rowsOf } from '@tessera-llm/tensor'
import { type Binding, linearGrid, type WebGpuKernel, type WebGpuPass, webgpuCapabilities } from '@tessera-llm/webgpu'
import { bind, defineWebGpuKernel, u32 } from '../webgpu-kernel/index.ts'
import type { WeightReader } from '../weight-reader/index.ts'
import { type LinearInputs, linearOp, type LinearOptions, type LinearOutputs, roundedBlock } from './contract.ts'
import gemv from './gemv.wgsl'
import gemvBatch from './gemv-batch.wgsl'
import roundActivations from './round-activations.wgsl'
import tiled from './tiled.wgsl'
import xScalar from './x-scalar.wgsl'
import xVector from './x-vector.wgsl'

/** Tokens up to which each weight is read once by one lane for all of them; beyond, sharing decoded tiles costs less. */
const gemvTokens = 8
const gemvWorkgroup = 64
/** Workgroups that keep the largest GPUs busy. */
const manyWorkgroups = 1024

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
      passes: (problem, capabilities) => linearPasses(problem, reader, (sizes) => gemvPass(sizes, reader, capabilities)),
      temporaries: roundedBytes,
    }),
    defineWebGpuKernel(linearOp, {
      name: `tiled-${reader.name}`,
      supports: ({ inputs: { weight } }) => reader.supports(weight),
      passes: (problem) => linearPasses(problem, reader, (sizes) => tiledPass(sizes, reader)),
      temporaries: roundedBytes,
    }),
  ]
}

interface Sizes {
  readonly tokens: number
  readonly rows: number
  readonly columns: number
}

type Specialisation = Pick<WebGpuPass, 'name' | 'source' | 'constants' | 'workgroups'>

function gemvPass({ tokens, rows, columns }: Sizes, { name, groupSize, hasMinimum }: WeightReader, capabilities: Capabilities): Specialisation {
  const isOne = tokens === 1
  const { lanes, rowsPerLane } = lanesOf(rows, columns / groupSize, webgpuCapabilities(capabilities).isFallback)
  return {
    name: `gemv-${name}`,
    source: isOne ? gemv : gemvBatch,
    constants: { ...(isOne ? {} : { M: tokens }), ROWS: rowsPerLane, GROUP: groupSize, HAS_MINIMUM: hasMinimum ? 1 : 0, LANES: lanes, WORKGROUP: gemvWorkgroup },
    workgroups: linearGrid(tokens === 0 ? 0 : Math.ceil((rows * lanes) / (gemvWorkgroup * rowsPerLane))),
  }
}

function tiledPass({ tokens, rows }: Sizes, { name }: WeightReader): Specialisation {
  // Few tokens get a low tile, so that lanes do not compute tokens that are not there.
  const perLane = tokens <= 8 ? 1 : tokens <= 16 ? 2 : tokens <= 32 ? 4 : 8
  return { name: `tiled-${name}`, source: tiled, constants: { TM: perLane, TK: perLane === 8 ? 16 : 32 }, workgroups: [Math.ceil(rows / 64), Math.ceil(tokens / (8 * perLane)), 1] }
}

function linearPasses(problem: LinearProblem, reader: WeightReader, specialise: (sizes: Sizes) => Specialisation): readonly WebGpuPass[] {
  const { weight, bias, residual } = problem.inputs
  const { tokens, rows, columns } = sizesOf(problem)
  const block = roundedBlock(weight, problem.options, columns)
  const isRounded = block !== undefined
  const isVector = columns % 4 === 0
  const bindings: Binding[] = [
    { name: 'x', tensor: isRounded ? 'rounded' : 'x', access: 'read', type: isVector ? 'array<vec4<f32>>' : 'array<f32>' },
    ...reader.bindings(weight),
    ...(bias ? [bind('bias', 'read')] : []),
    ...(residual ? [bind('residual', 'read')] : []),
    bind('y', 'read_write'),
  ]
  const fragments = [
    isVector ? xVector : xScalar,
    ...reader.fragments(weight),
    `fn bias_of(row: u32) -> f32 { return ${bias ? 'bias[row]' : '0.0'}; }`,
    `fn residual_of(at: u32) -> f32 { return ${residual ? 'residual[at]' : '0.0'}; }`,
  ]
  const product = { ...specialise({ tokens, rows, columns }), bindings, fragments, params: { tokens: u32(tokens), rows: u32(rows), columns: u32(columns) } }
  return isRounded ? [roundPass(tokens, columns, block), product] : [product]
}

function roundPass(tokens: number, columns: number, block: number): WebGpuPass {
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

/**
 * Lanes that share a weight row: the most of which at most a third idles in the last round. Rows per lane: as many as leave a large GPU
 * enough workgroups. A software adapter has few cores and pays for each load and each barrier.
 */
function lanesOf(rows: number, groups: number, isSoftware: boolean): { readonly lanes: number; readonly rowsPerLane: 1 | 2 | 4 } {
  if (isSoftware) return { lanes: 4, rowsPerLane: 4 }
  const lanes = [64, 32, 16, 8].find((count) => Math.ceil(groups / count) * count <= groups * 1.34) ?? 4
  const workgroups = (rows * lanes) / gemvWorkgroup
  return { lanes, rowsPerLane: workgroups >= 4 * manyWorkgroups ? 4 : workgroups >= 2 * manyWorkgroups ? 2 : 1 }
}
