import { kernelAbi, type Problem, sizeOf, type TensorSpec, TesseraError } from '@tessera-llm/tensor'
import { linearGrid, type WebGpuKernel } from '@tessera-llm/webgpu'
import { narrowBits, u32 } from '../../webgpu-part/index.ts'
import append from './append.wgsl'

/** Writes new keys or values into a cache; f16 as packed words. */
export const kvAppendWebgpu: WebGpuKernel = {
  abi: kernelAbi,
  device: 'webgpu',
  op: 'kv-append',
  opVersion: 1,
  name: 'copy',
  supports(problem) {
    const { dtype, shape } = spec(problem, 'cache')
    const width = shape[3] ?? 0
    if (dtype === 'f16' && width % 2 === 1)
      return `an f16 cache needs an even head size, not ${width}: two rows would share a word`
    return true
  },
  passes(problem) {
    const {
      dtype,
      shape: [, heads = 0, capacity = 0, width = 0],
    } = spec(problem, 'cache')
    const [batch = 0, rows = 0] = spec(problem, 'x').shape
    const table = problem.inputs['blockTable']
    const isHalf = dtype === 'f16'
    const wordElements = isHalf ? 2 : 1
    const words = sizeOf([batch, rows, heads, width]) / wordElements
    return [
      {
        name: isHalf ? 'copy-f16' : 'copy-f32',
        source: append,
        bindings: [
          { name: 'x', tensor: 'x', access: 'read', type: 'array<f32>' },
          { name: 'positions', tensor: 'positions', access: 'read', type: 'array<i32>' },
          { name: 'cache', tensor: 'cache', access: 'read_write', type: isHalf ? 'array<u32>' : 'array<f32>' },
          ...(table
            ? [{ name: 'block_table', tensor: 'blockTable', access: 'read', type: 'array<i32>' } as const]
            : []),
        ],
        fragments: [
          ...(isHalf
            ? [narrowBits, 'fn word_of(at: u32) -> u32 { return half_bits(x[at]) | (half_bits(x[at + 1u]) << 16u); }']
            : ['fn word_of(at: u32) -> f32 { return x[at]; }']),
          table ? inPages : inBatchRow,
        ],
        constants: { WORD_ELEMENTS: wordElements },
        params: {
          words: u32(words),
          row_words: u32(width / wordElements),
          heads: u32(heads),
          rows: u32(rows),
          capacity: u32(capacity),
          ...(table && { pages: u32(table.shape[1] ?? 0) }),
        },
        workgroups: linearGrid(Math.ceil(words / 64)),
      },
    ]
  },
}

/**
 * Declares `page_of(batch, row)`: the page that holds a row of a sequence, or without pages the batch row; −1 if the
 * row is dropped.
 */
export const inPages: string =
  'fn page_of(batch: u32, row: i32) -> i32 { return select(block_table[batch * params.pages + (u32(max(row, 0)) / params.capacity) % params.pages], -1, row < 0); }'
export const inBatchRow: string =
  'fn page_of(batch: u32, row: i32) -> i32 { return select(i32(batch), -1, row < 0 || row >= i32(params.capacity)); }'

function spec(problem: Problem, name: string): TensorSpec {
  const found = problem.inputs[name]
  if (found?.kind !== 'dense')
    throw new TesseraError('invalid-kernel', `kv-append: the kernel needs ${name} as a dense tensor`)
  return found
}
