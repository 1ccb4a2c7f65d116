import {
  type Capabilities,
  lastAxis,
  type Problem,
  rowsOf,
  type Tensor,
  type Weight,
  type WeightSpec,
} from '@tessera-llm/tensor'
import { type Binding, type WebGpuPass, webgpuCapabilities } from '@tessera-llm/webgpu'
import { type Rounding, roundingOf } from '../linear/activations.ts'
import {
  codesTemporaries,
  dotPriority,
  gemvRowsDotOf,
  roundCodesPass,
  supportsDot,
  xCodesBindings,
  xCodesFragment,
} from '../linear/dot.ts'
import { type GemvLanes, gemvRowsOf } from '../linear/gemv.ts'
import { roundingSource } from '../linear/rounding.ts'
import { roundPass } from '../linear/webgpu.ts'
import xNormed from '../linear/x-normed.wgsl'
import { xFragment, xType } from '../linear/x.ts'
import { bind, f32, instantiate, renamed, rowPass, u32 } from '../webgpu-kernel/index.ts'
import type { WeightReader } from '../weight-reader/index.ts'
import type { FusedInputs, FusedOptions } from './fused-input.ts'
import roundNormed from './round-normed.wgsl'

/** Call of a fused op: its input, and weights by name. */
export type FusedProblem = Problem<
  FusedInputs & { readonly [name: string]: Weight | undefined },
  { readonly [name: string]: Tensor },
  FusedOptions
>

/**
 * How the input of one token reaches the product: rounded in a pass of its own, or read as it is and normalized on the
 * fly.
 */
export interface FusedSource {
  readonly passes: readonly WebGpuPass[]
  readonly bindings: readonly Binding[]
  readonly fragments: readonly string[]
  readonly params: NonNullable<WebGpuPass['params']>
}

export function fusedSource(
  { inputs: { x, norm }, options }: FusedProblem,
  weight: WeightSpec,
  isDot: boolean,
  lanes: GemvLanes,
  capabilities: Capabilities,
): FusedSource {
  const columns = lastAxis(x.shape)
  const tokens = rowsOf(x.shape)
  const rounding = roundingOf(weight, options, columns)
  const xBinding = { name: 'x', access: 'read', type: xType(columns) } as const
  const noFactor = 'fn norm_factor(position: u32) -> f32 { return 1.0; }'
  const plain = [xFragment(columns), `fn begin_x() {}\n${noFactor}`]
  if (rounding !== undefined && isDot) {
    return {
      passes: [roundCodesPass({ tokens, columns, rounding, norm: norm && options }, capabilities)],
      bindings: xCodesBindings,
      fragments: [xCodesFragment, noFactor],
      params: {},
    }
  }
  if (rounding !== undefined) {
    const pass = norm
      ? roundNormedPass(tokens, columns, rounding, options, capabilities)
      : roundPass(tokens, columns, rounding)
    return { passes: [pass], bindings: [{ ...xBinding, tensor: 'rounded' }], fragments: plain, params: {} }
  }
  const bindings: Binding[] = [{ ...xBinding, tensor: 'x' }]
  if (!norm) return { passes: [], bindings, fragments: plain, params: {} }
  const normFragment = renamed(xFragment(columns), { x: 'norm', x4: 'norm4', x_or_zero: 'norm_or_zero' })
  return {
    passes: [],
    bindings: [...bindings, bind('norm', 'read', xType(columns))],
    fragments: [
      renamed(xFragment(columns), { x4: 'input4' }),
      normFragment,
      `const NORM_OFFSET = ${options.unitOffset ? 1 : 0}u;`,
      `${instantiate([lanes.sum], 'squares_')}
fn lane_sum_of_squares(position: u32, value: vec4<f32>) -> f32 { return squares_lane_sum(position, value); }`,
      xNormed,
    ],
    params: { eps: f32(options.eps ?? 0) },
  }
}

/** Bytes of the temporaries that `fusedSource` rounds into. */
export function fusedTemporaries(
  { inputs: { x }, options }: FusedProblem,
  weight: WeightSpec,
  isDot: boolean,
): Readonly<Record<string, number>> {
  const [tokens, columns] = [rowsOf(x.shape), lastAxis(x.shape)]
  if (roundingOf(weight, options, columns) === undefined) return {}
  return isDot ? codesTemporaries(tokens, columns) : { rounded: 4 * tokens * columns }
}

/**
 * WGSL of one weight of a fused op: declares `<name>_sums_of(row0, lane)`; `params.<name>_rows` is its number of rows.
 */
export function fusedWeight(
  name: string,
  weight: WeightSpec,
  reader: WeightReader,
  isDot: boolean,
): Omit<FusedSource, 'passes'> {
  const bindings = reader.bindings(weight)
  return {
    bindings: bindings.map((binding) => ({
      ...binding,
      name: `${name}_${binding.name}`,
      tensor: binding.tensor.replace(/^weight/, name),
    })),
    fragments: [
      instantiate((isDot ? gemvRowsDotOf : gemvRowsOf)(reader, weight), `${name}_`, [
        ...bindings.map((binding) => binding.name),
        'params.rows',
      ]),
    ],
    params: { [`${name}_rows`]: u32(weight.shape[0] ?? 0) },
  }
}

/** Returns the reader of each weight, or the reason why one has none. */
export function readersOf(
  weights: readonly WeightSpec[],
  readers: readonly WeightReader[],
): readonly WeightReader[] | string {
  const found: WeightReader[] = []
  for (const weight of weights) {
    const reader = readers.find((candidate) => candidate.supports(weight) === true)
    if (!reader)
      return `reads ${readers.map(({ name }) => name).join(', ')}, not ${weight.kind === 'dense' ? `dense ${weight.dtype}` : weight.format.id}`
    found.push(reader)
  }
  return found
}

/** Whether rounded inputs are multiplied as integers; this holds for all weights or none. */
export function usesDot(
  { options }: FusedProblem,
  weights: readonly WeightSpec[],
  readers: readonly WeightReader[],
  capabilities: Capabilities,
): boolean {
  const [first] = weights
  return (
    first !== undefined &&
    roundingOf(first, options, first.shape[1] ?? 0) !== undefined &&
    dotPriority(1, capabilities) > 0 &&
    supportsDot(readers, weights, capabilities) === true
  )
}

/** `true`, or the reason why the GPU cannot bind that many buffers in one pass. */
export function fitsBindings(passes: readonly WebGpuPass[], capabilities: Capabilities): true | string {
  const limit = webgpuCapabilities(capabilities).limits.maxStorageBuffersPerShaderStage
  const most = Math.max(...passes.map(({ bindings }) => bindings.length))
  return most <= limit || `binds ${most} buffers at once, this GPU allows ${limit}`
}

function roundNormedPass(
  tokens: number,
  columns: number,
  rounding: Rounding,
  { eps = 0, unitOffset }: FusedOptions,
  capabilities: Capabilities,
): WebGpuPass {
  const { fragment, params } = roundingSource(rounding)
  return rowPass(
    {
      name: 'round-normed',
      source: roundNormed,
      bindings: [bind('x', 'read'), bind('norm', 'read'), bind('rounded', 'read_write')],
      fragments: [fragment, `fn weight_of(i: u32) -> f32 { return norm[i]${unitOffset ? ' + 1.0' : ''}; }`],
      params: { block: u32(rounding.block), eps: f32(eps), ...params },
    },
    tokens,
    columns,
    capabilities,
  )
}
