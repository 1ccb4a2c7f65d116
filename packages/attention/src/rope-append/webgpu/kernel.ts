import { kernelAbi, type Problem, type TensorSpec, TesseraError } from '@tessera-llm/tensor'
import { type Binding, linearGrid, type WebGpuKernel, type WebGpuPass, webgpuCapabilities } from '@tessera-llm/webgpu'
import { inBatchRow, inPages } from '../../kv-append/webgpu/kernel.ts'
import { f32, narrowBits, u32 } from '../../webgpu-part/index.ts'
import type { RopeAppendOptions } from '../contract.ts'
import prepare from './prepare.wgsl'

/** Heads of 4 KiB fit the workgroup memory that every GPU has, with room for others. */
const mostHeadDim = 1024

/**
 * All heads in one dispatch; if that exceeds the GPU's buffer bindings, queries in one and keys and values in another.
 */
export const ropeAppendWebgpu: WebGpuKernel = {
  abi: kernelAbi,
  device: 'webgpu',
  op: 'rope-append',
  opVersion: 1,
  name: 'heads',
  supports(problem, capabilities) {
    const [width, valueWidth] = [spec(problem, 'q').shape[3] ?? 0, spec(problem, 'v').shape[3] ?? 0]
    if (width > mostHeadDim) return `takes heads of up to ${mostHeadDim} channels, not ${width}`
    for (const [name, size] of [
      ['keys', width],
      ['values', valueWidth],
    ] as const) {
      if (spec(problem, name).dtype === 'f16' && size % 2 === 1)
        return `an f16 cache needs an even head size, not ${size}: two rows would share a word`
    }
    const limit = webgpuCapabilities(capabilities).limits.maxStorageBuffersPerShaderStage
    const most = Math.max(...ropeAppendPasses(problem, limit).map(({ bindings }) => bindings.length))
    return most <= limit || `binds ${most} buffers at once, this GPU allows ${limit}`
  },
  passes: (problem, capabilities) =>
    ropeAppendPasses(problem, webgpuCapabilities(capabilities).limits.maxStorageBuffersPerShaderStage),
}

function ropeAppendPasses(problem: Problem, limit: number): readonly WebGpuPass[] {
  const whole = pass(problem, 'all')
  return whole.bindings.length <= limit ? [whole] : [pass(problem, 'queries'), pass(problem, 'keys')]
}

function pass(problem: Problem, part: 'all' | 'queries' | 'keys'): WebGpuPass {
  const { style, eps = 0, unitOffset = false } = problem.options as RopeAppendOptions
  const [batch = 0, length = 0, heads = 0, width = 0] = spec(problem, 'q').shape
  const [, , kvHeads = 0, valueDim = 0] = spec(problem, 'v').shape
  const [keys, values] = [spec(problem, 'keys'), spec(problem, 'values')]
  const table = problem.inputs['blockTable']
  const hasQueries = part !== 'keys'
  const hasKeys = part !== 'queries'
  const norms = {
    query: hasQueries && problem.inputs['queryNorm'] !== undefined,
    key: hasKeys && problem.inputs['keyNorm'] !== undefined,
  }
  const headsHere = (hasQueries ? heads : 0) + (hasKeys ? kvHeads : 0)
  const read = (name: string, tensor = name, type = 'array<f32>'): Binding => ({ name, tensor, access: 'read', type })
  const cache = (name: string, { dtype }: TensorSpec): Binding => ({
    name,
    tensor: name,
    access: 'read_write',
    type: dtype === 'f16' ? 'array<u32>' : 'array<f32>',
  })
  const bindings: Binding[] = [
    read('cos_table', 'cos'),
    read('sin_table', 'sin'),
    read('positions', 'positions', 'array<i32>'),
    ...(hasQueries ? [{ ...read('q'), access: 'read_write' } as const] : []),
    ...(hasKeys
      ? [
          read('k'),
          read('v'),
          cache('keys', keys),
          cache('values', values),
          ...(table ? [read('block_table', 'blockTable', 'array<i32>')] : []),
        ]
      : []),
    ...(norms.query ? [read('query_norm', 'queryNorm')] : []),
    ...(norms.key ? [read('key_norm', 'keyNorm')] : []),
  ]
  // Only the heads with a norm are scaled.
  const factorOf = (name: 'query' | 'key'): string =>
    norms[name] ? `factor * (${name}_norm[d]${unitOffset ? ' + 1.0' : ''})` : '1.0'
  const query = 'q[(token * params.query_heads + head) * HEAD_DIM + d]'
  const key = 'k[(token * params.kv_heads + head - params.query_heads) * HEAD_DIM + d]'
  return {
    name: part === 'all' ? 'heads' : part,
    source: prepare,
    bindings,
    constants: {
      HEAD_DIM: width,
      HALF: spec(problem, 'cos').shape[1] ?? 0,
      IS_NEOX: style === 'neox' ? 1 : 0,
      FIRST_HEAD: hasQueries ? 0 : heads,
      HAS_NORM: norms.query || norms.key ? 1 : 0,
      WORD_ELEMENTS: keys.dtype === 'f16' ? 2 : 1,
      VALUE_ELEMENTS: values.dtype === 'f16' ? 2 : 1,
    },
    fragments: [
      narrowBits,
      `fn load_head(token: u32, head: u32, d: u32) -> f32 { ${part === 'all' ? `if (head < params.query_heads) { return ${query}; }\n  return ${key};` : `return ${hasQueries ? query : key};`} }`,
      `fn store_query(token: u32, head: u32, d: u32, value: f32) { ${hasQueries ? `${query} = value;` : ''} }`,
      `fn norm_of(head: u32, d: u32, factor: f32) -> f32 { return select(${factorOf('key')}, ${factorOf('query')}, head < params.query_heads); }`,
      !hasKeys ? 'fn page_of(batch: u32, row: i32) -> i32 { return -1; }' : table ? inPages : inBatchRow,
      `fn store_key(place: u32, word: u32, at: u32) { ${hasKeys ? `keys[place * (HEAD_DIM / WORD_ELEMENTS) + word] = ${wordOf(keys, (i) => `rotated(WORD_ELEMENTS * word${i}, at)`)};` : ''} }`,
      `fn store_value(place: u32, word: u32, from_row: u32) { ${hasKeys ? `values[place * (params.value_dim / VALUE_ELEMENTS) + word] = ${wordOf(values, (i) => `v[from_row + VALUE_ELEMENTS * word${i}]`)};` : ''} }`,
    ],
    params: {
      workgroups: u32(batch * length * headsHere),
      heads_here: u32(headsHere),
      query_heads: u32(heads),
      kv_heads: u32(kvHeads),
      length: u32(length),
      value_dim: u32(valueDim),
      capacity: u32(keys.shape[2] ?? 0),
      eps: f32(eps),
      ...(table && { pages: u32(table.shape[1] ?? 0) }),
    },
    workgroups: linearGrid(batch * length * headsHere),
  }
}

/** A cache word of one element (f32) or two (f16). */
function wordOf({ dtype }: TensorSpec, element: (plus: string) => string): string {
  return dtype === 'f16' ? `half_bits(${element('')}) | (half_bits(${element(' + 1u')}) << 16u)` : element('')
}

function spec(problem: Problem, name: string): TensorSpec {
  const found = problem.inputs[name]
  if (found?.kind !== 'dense')
    throw new TesseraError('invalid-kernel', `rope-append: the kernel needs ${name} as a dense tensor`)
  return found
}
