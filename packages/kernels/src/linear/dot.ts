import type { Capabilities, WeightSpec } from '@tessera-llm/tensor'
import { type Binding, type WebGpuPass, webgpuCapabilities } from '@tessera-llm/webgpu'
import { bind, f32, rowPass } from '../webgpu-kernel/index.ts'
import type { WeightReader } from '../weight-reader/index.ts'
import type { Rounding } from './activations.ts'
import gemvRowsDot from './gemv-rows-dot.wgsl'
import roundCodes from './round-codes.wgsl'
import { roundingSource } from './rounding.ts'
import xCodes from './x-codes.wgsl'

/*
 * Integer products of rounded inputs with packed weights (`dot4I8Packed`): a pass rounds x to codes and scales; the
 * product then reads a quarter of the bytes of f32 and does four multiplications per instruction.
 */

const languageFeature = 'packed_4x8_integer_dot_product'
/** Columns of x that share a scale. */
const roundedColumns = 32

/** `true`, or the reason why the GPU cannot multiply these weights as integers. */
export function supportsDot(
  readers: readonly WeightReader[],
  weights: readonly WeightSpec[],
  capabilities: Capabilities,
): true | string {
  if (!webgpuCapabilities(capabilities).languageFeatures.includes(languageFeature))
    return `needs ${languageFeature}, which this implementation of WGSL lacks`
  const index = weights.findIndex(
    (weight, i) =>
      readers[i]?.hasPackedCodes?.(weight) !== true || (readers[i] as WeightReader).groupSize(weight) % 16 !== 0,
  )
  const weight = weights[index]
  return (
    weight === undefined ||
    `the codes of ${weight.kind === 'dense' ? weight.dtype : weight.format.id} are no integers of 8 bits with a scale for 16 columns or more`
  )
}

/** Columns after which integer sums are scaled. */
export function dotStep(reader: WeightReader, weight: WeightSpec): 16 | 32 {
  return reader.groupSize(weight) % 32 === 0 ? 32 : 16
}

export const xCodesBindings: readonly Binding[] = [
  bind('x_codes', 'read', 'array<vec2<u32>>'),
  bind('x_scales', 'read', 'array<vec2<f32>>'),
]
export const xCodesFragment: string = xCodes

/** Metal lacks the instruction, and its emulation costs more than floats do. */
export function dotPriority(priority: number, capabilities: Capabilities): number {
  return webgpuCapabilities(capabilities).vendor === 'apple' ? -1 : priority
}

/** Bytes of the temporaries that `roundCodesPass` writes. */
export function codesTemporaries(tokens: number, columns: number): Readonly<Record<string, number>> {
  const blocks = tokens * Math.ceil(columns / roundedColumns)
  return { x_codes: 32 * blocks, x_scales: 16 * blocks }
}

export interface RoundedInput {
  readonly tokens: number
  readonly columns: number
  /** With one scale per 32 columns, or one per token. */
  readonly rounding: Rounding
  /** Options of the RMSNorm before the rounding, if any. */
  readonly norm?: { readonly eps?: number | undefined; readonly unitOffset?: boolean | undefined } | undefined
}

/** Rounds x, normalized if there is a norm, to codes with scales. */
export function roundCodesPass(
  { tokens, columns, rounding, norm }: RoundedInput,
  capabilities: Capabilities,
): WebGpuPass {
  const factor = norm
    ? `fn norm_factor_of(lane: u32, begin: u32) -> f32 {
  var sum = 0.0;
  for (var i = lane; i < params.width; i += WORKGROUP) { sum += x[begin + i] * x[begin + i]; }
  return inverseSqrt(sum_of_lanes(lane, sum) / f32(params.width) + params.eps);
}
fn value_of(begin: u32, i: u32, factor: f32) -> f32 { return x[begin + i] * factor * (norm[i]${norm.unitOffset ? ' + 1.0' : ''}); }`
    : `fn norm_factor_of(lane: u32, begin: u32) -> f32 { return 1.0; }
fn value_of(begin: u32, i: u32, factor: f32) -> f32 { return x[begin + i]; }`
  const { fragment, params } = roundingSource(rounding)
  return rowPass(
    {
      name: norm ? 'round-codes-normed' : 'round-codes',
      source: roundCodes,
      bindings: [
        bind('x', 'read'),
        ...(norm ? [bind('norm', 'read')] : []),
        bind('x_codes', 'read_write', 'array<u32>'),
        bind('x_scales', 'read_write', 'array<vec2<f32>>'),
      ],
      constants: { BY_TOKEN: rounding.block === roundedColumns ? 0 : 1 },
      fragments: [fragment, factor],
      params: { ...params, ...(norm ? { eps: f32(norm.eps ?? 0) } : {}) },
    },
    tokens,
    columns,
    capabilities,
  )
}

/** Declares `sums_of(row0, lane)` for rounded inputs. */
export function gemvRowsDotOf(reader: WeightReader, weight: WeightSpec): readonly string[] {
  return [
    `const STEP = ${dotStep(reader, weight)}u;\nconst HAS_MINIMUM = ${reader.hasMinimum(weight) ? 1 : 0}u;`,
    ...reader.fragments(weight),
    gemvRowsDot,
  ]
}
