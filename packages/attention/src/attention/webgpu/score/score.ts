import type { AttentionInputs } from '../../contract.ts'
import { type AttentionProblem, hidesKeys, inputSpec } from '../problem.ts'
import { f32, i32, type Part, u32 } from '../../../webgpu-part/index.ts'
import softcapSource from './softcap.wgsl'
import spanSource from './span.wgsl'
import spanPackedSource from './span-packed.wgsl'

const log2e = Math.LOG2E

/**
 * Declares `span_of(batch, row) -> Span`: the row's position and the keys `first` … `end` − 1 that causality, window
 * and lengths leave visible. Values come from tensors, so a replayed plan sees new lengths; only shapes determine the
 * grid.
 */
export function spanPart({
  inputs,
  seqLenQ,
  seqLenKv,
  pages,
  numSequences,
  windowLeft,
  windowRight,
}: AttentionProblem): Part {
  const declaration = 'struct Span { position: i32, first: i32, end: i32 }'
  const params = {
    seq_q: u32(seqLenQ),
    seq_kv: u32(seqLenKv),
    window_left: i32(windowLeft),
    window_right: i32(windowRight),
  }
  if (inputs.cuSeqLens) {
    const keys = inputs.cuSeqLensKv ? 'cu_seq_lens_kv' : 'cu_seq_lens'
    return {
      bindings: [
        readI32('cu_seq_lens', 'cuSeqLens'),
        ...(inputs.cuSeqLensKv ? [readI32('cu_seq_lens_kv', 'cuSeqLensKv')] : []),
      ],
      fragments: [declaration, `fn key_start(sequence: u32) -> i32 { return ${keys}[sequence]; }`, spanPackedSource],
      params: { ...params, sequences: u32(numSequences) },
    }
  }
  const lengths =
    pages > 0
      ? 'max(kv_lengths[batch], 0)'
      : inputs.kvLengths
        ? 'clamp(kv_lengths[batch], 0, i32(params.seq_kv))'
        : 'i32(params.seq_kv)'
  return {
    bindings: inputs.kvLengths ? [readI32('kv_lengths', 'kvLengths')] : [],
    fragments: [declaration, `fn keys_of(batch: u32) -> i32 { return ${lengths}; }`, spanSource],
    params,
  }
}

/** Score of hidden keys: finite, because WGSL implementations may assume that infinities do not occur. */
export const maskedPart: Part = {
  bindings: [],
  params: {},
  fragments: ['const MASKED = -3.4e38;', 'fn is_visible(score: f32) -> bool { return score > -1.7e38; }'],
}

/**
 * Turns products into scores in units of log2 e, so that softmax uses exp2: `params.query_scale` multiplies the query,
 * and `score_of(product, batch, head, row, span, key)` is MASKED for a hidden key. Must follow `spanPart` and
 * `maskedPart`.
 */
export function scorePart(problem: AttentionProblem): Part {
  const { inputs, options, headDim } = problem
  const { softcap, scale = 1 / Math.sqrt(headDim) } = options
  const steps: string[] = []
  const bindings: Part['bindings'][number][] = []
  const params: Record<string, Part['params'][string]> = {
    query_scale: f32(softcap === undefined ? scale * log2e : scale / softcap),
  }
  if (softcap !== undefined) {
    steps.push('score = params.softcap * hyperbolic_tangent(score);')
    params['softcap'] = f32(softcap * log2e)
  }
  if (inputs.alibiSlopes) {
    bindings.push({ name: 'alibi_slopes', tensor: 'alibiSlopes', access: 'read', type: 'array<f32>' })
    steps.push(`score -= alibi_slopes[head] * ${log2e} * f32(abs(span.position - key));`)
  }
  if (inputs.bias) {
    bindings.push({ name: 'bias', tensor: 'bias', access: 'read', type: 'array<f32>' })
    Object.assign(params, broadcastParams(problem, 'bias'))
    steps.push(
      `let added = bias[${broadcastIndex('bias')}];`,
      'if (added <= -1e38) { return MASKED; }',
      `score += added * ${log2e};`,
    )
  }
  if (inputs.mask) {
    bindings.push({ name: 'mask', tensor: 'mask', access: 'read', type: 'array<u32>' })
    Object.assign(params, broadcastParams(problem, 'mask'))
    steps.push(
      `let flag = ${broadcastIndex('mask')};`,
      'if (((mask[flag / 4u] >> (8u * (flag & 3u))) & 0xffu) == 0u) { return MASKED; }',
    )
  }
  return {
    bindings,
    params,
    fragments: [
      ...(softcap === undefined ? [] : [softcapSource]),
      `fn score_of(product: f32, batch: u32, head: u32, row: u32, span: Span, key: i32) -> f32 {
  if (key < span.first || key >= span.end) { return MASKED; }
  var score = product;
  ${steps.join('\n  ')}
  return score;
}`,
    ],
  }
}

/** Declares `sink_of(head)`: the sink in units of log2 e, MASKED without sinks. Must follow `maskedPart`. */
export function sinkPart({ inputs }: AttentionProblem): Part {
  if (!inputs.sinks) return { bindings: [], fragments: ['fn sink_of(head: u32) -> f32 { return MASKED; }'], params: {} }
  return {
    bindings: [{ name: 'sinks', tensor: 'sinks', access: 'read', type: 'array<f32>' }],
    fragments: [`fn sink_of(head: u32) -> f32 { return max(sinks[head] * ${log2e}, MASKED); }`],
    params: {},
  }
}

/** Declares `weighed(p, value)`: if keys may be hidden, a weight of 0 does not read the value. */
export function weighedPart(problem: AttentionProblem): Part {
  return {
    bindings: [],
    params: {},
    fragments: [
      `fn weighed(p: f32, value: vec4<f32>) -> vec4<f32> { return ${hidesKeys(problem) ? 'select(p * value, vec4<f32>(), p == 0.0)' : 'p * value'}; }`,
    ],
  }
}

function readI32(name: string, tensor: string): Part['bindings'][number] {
  return { name, tensor, access: 'read', type: 'array<i32>' }
}

function broadcastIndex(name: string): string {
  return `batch * params.${name}_batch + head * params.${name}_head + row * params.${name}_row + u32(key)`
}

/** Strides of an input [B or 1, Hq or 1, Lq or 1, Lkv]: 0 along axes of length 1. */
function broadcastParams(problem: AttentionProblem, name: keyof AttentionInputs & string): Part['params'] {
  const [batch = 1, heads = 1, rows = 1, keys = 1] = inputSpec(problem, name).shape
  return {
    [`${name}_batch`]: u32(batch === 1 ? 0 : heads * rows * keys),
    [`${name}_head`]: u32(heads === 1 ? 0 : rows * keys),
    [`${name}_row`]: u32(rows === 1 ? 0 : keys),
  }
}
