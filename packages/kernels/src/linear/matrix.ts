import type { Capabilities } from '@tessera-llm/tensor'
import { exactMatricesOf, type Matrices, type WebGpuKernel, webgpuCapabilities } from '@tessera-llm/webgpu'
import type { WeightReader } from '../weight-reader/index.ts'
import { defineWebGpuKernel } from '../webgpu-kernel/index.ts'
import { roundingOf } from './activations.ts'
import { linearOp } from './contract.ts'
import matrix from './matrix.wgsl'
import { type LinearProblem, productPass, sizesOf } from './product-pass.ts'
import { xFragment, xType } from './x.ts'

/** Lanes per workgroup: a multiple of every subgroup size, as subgroup matrices require. */
const lanes = 128
/** Row lengths as in `matrix.wgsl`: 32 staged columns and 8 of padding; below, the padding of a row of results. */
const staged = 32 + 8
const resultPadding = 4
/** Below this, most of a tile would be empty. */
const fewestTokens = 16

interface MatrixPlan {
  readonly matrices: Matrices
  /** Tokens, and weight rows, per workgroup. */
  readonly tile: number
  readonly strips: number
  readonly components: number
  readonly results: number
}

/**
 * `linear` with subgroup matrices, for weights that they hold exactly: f16 matrices take f16 weights, f32 matrices any.
 */
export function matrixKernel(reader: WeightReader): WebGpuKernel {
  return defineWebGpuKernel(linearOp, {
    name: `matrix-${reader.name}`,
    priority: 5,
    supports(problem, capabilities) {
      const { weight } = problem.inputs
      const { tokens } = sizesOf(problem)
      const reads = reader.supports(weight)
      if (reads !== true) return reads
      if (tokens < fewestTokens) return `takes ${fewestTokens} tokens or more, not ${tokens}`
      if (roundingOf(weight, problem.options, weight.shape[1] ?? 0) !== undefined)
        return 'multiplies activations in f32, and these are rounded'
      const plan = matrixPlan(problem, capabilities)
      return typeof plan === 'string' ? plan : true
    },
    passes(problem, capabilities) {
      const plan = matrixPlan(problem, capabilities)
      if (typeof plan === 'string') return []
      const {
        inputs: { weight },
      } = problem
      const { tokens, rows, columns } = sizesOf(problem)
      const { matrices, tile, strips, components, results } = plan
      const stripsEach = Math.ceil((strips * webgpuCapabilities(capabilities).subgroupMaxSize) / lanes)
      return [
        productPass(
          problem,
          [{ name: 'x', tensor: 'x', access: 'read', type: xType(columns) }],
          xFragment(columns),
          reader,
          {
            name: `matrix-${reader.name}`,
            source: matrix,
            enables: matrices.enables,
            aliases: matrices.aliases,
            constants: {
              ...matrices.constants,
              COMPONENTS: components,
              RESULTS: results,
              TILE: tile,
              STRIPS: strips,
              STRIPS_EACH: stripsEach,
            },
            fragments: [...reader.fragments(weight), ...matrices.fragments],
            workgroups: [Math.ceil(rows / tile), Math.ceil(tokens / tile), 1],
          },
        ),
      ]
    },
  })
}

function matrixPlan({ inputs: { weight } }: LinearProblem, capabilities: Capabilities): MatrixPlan | string {
  const matrices = exactMatricesOf(capabilities, weight.kind === 'dense' && weight.dtype === 'f16', 'weights')
  if (typeof matrices === 'string') return matrices
  const { M, N, K, parts, componentBytes } = matrices
  const { maxComputeWorkgroupStorageSize } = webgpuCapabilities(capabilities).limits
  let bytes = 0
  for (const strips of [4, 2]) {
    const tile = strips * M
    if (tile % N !== 0 || tile % K !== 0) continue
    const components = (parts + 1) * tile * staged
    const results = tile * (tile + resultPadding)
    bytes = components * componentBytes + 4 * (results + lanes + tile + 4)
    if (bytes <= maxComputeWorkgroupStorageSize) return { matrices, tile, strips, components, results }
  }
  return `takes ${bytes} bytes of workgroup memory, this GPU has ${maxComputeWorkgroupStorageSize}`
}
