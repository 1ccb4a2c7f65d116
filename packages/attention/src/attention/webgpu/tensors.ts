import { kvCodesOf } from '../../kv-format/index.ts'
import { packedPart } from './packed/packed.ts'
import { type AttentionProblem, inputSpec, strides } from './problem.ts'
import { joinParts, type Part, u32 } from '../../webgpu-part/index.ts'

/*
 * WGSL access to q, k, v and o. For each tensor x:
 *  x_at(batch, head, row) -> u32        start of a row, in elements
 *  x4(at, chunk) -> vec4<f32>           elements 4 · chunk … 4 · chunk + 3 of that row; zeros beyond its end
 * Rows whose length is a multiple of 4 are read as vectors. f16 is read as packed words, so `shader-f16` is not needed.
 */

export function queryPart(problem: AttentionProblem): Part {
  return rowsPart(
    'q',
    'q',
    'f32',
    problem.headDim,
    strides(problem.layout, problem.numHeads, problem.seqLenQ, problem.headDim),
  )
}

export function keyPart(problem: AttentionProblem): Part {
  return storedPart(problem, 'k', problem.headDim)
}

export function valuePart(problem: AttentionProblem): Part {
  return storedPart(problem, 'v', problem.valueDim)
}

/** k or v. With a block table, row j of a sequence is row j mod R of a page, and the first stride is that of pages. */
function storedPart(problem: AttentionProblem, name: 'k' | 'v', width: number): Part {
  const { kvLayout, numKvHeads, seqLenKv, pages, pageRows } = problem
  const table: Part = {
    bindings: [{ name: 'block_table', tensor: 'blockTable', access: 'read', type: 'array<i32>' }],
    fragments: [
      'fn page_of(batch: u32, row: u32) -> u32 { return u32(block_table[batch * params.pages + (row / params.page_rows) % params.pages]); }',
    ],
    params: { pages: u32(pages), page_rows: u32(pageRows) },
  }
  const codes = kvCodesOf(problem.inputs[name])
  if (codes)
    return pages === 0
      ? packedPart(problem, name, codes, width, 'batch')
      : joinParts(table, packedPart(problem, name, codes, width, 'page_of(batch, row)'))
  const rows = rowsPart(
    name,
    name,
    inputSpec(problem, name).dtype,
    width,
    strides(kvLayout, numKvHeads, pages > 0 ? pageRows : seqLenKv, width),
  )
  if (pages === 0) return rows
  const [, read] = rows.fragments
  return joinParts(table, {
    ...rows,
    fragments: [
      `fn ${name}_at(batch: u32, head: u32, row: u32) -> u32 { return page_of(batch, row) * params.${name}_batch + head * params.${name}_head + (row % params.page_rows) * params.${name}_row; }`,
      read as string,
    ],
  })
}

/** Declares `store_o4(at, chunk, value)` and `o_at`. */
export function outputPart(problem: AttentionProblem): Part {
  return storePart(
    'o',
    'o',
    problem.valueDim,
    strides(problem.layout, problem.numHeads, problem.seqLenQ, problem.valueDim),
  )
}

/** Declares `store_x4(at, chunk, value)` and `x_at` for an output with rows of `width` elements. */
export function storePart(
  name: string,
  tensor: string,
  width: number,
  rowStrides: readonly [number, number, number],
): Part {
  const isVector = width % 4 === 0
  const store = isVector
    ? `fn store_${name}4(at: u32, chunk: u32, value: vec4<f32>) { if (chunk < ${width / 4}u) { ${name}[at / 4u + chunk] = value; } }`
    : `fn store_${name}4(at: u32, chunk: u32, value: vec4<f32>) {
  for (var i = 0u; i < 4u; i++) { if (4u * chunk + i < ${width}u) { ${name}[at + 4u * chunk + i] = value[i]; } }
}`
  return {
    bindings: [{ name, tensor, access: 'read_write', type: isVector ? 'array<vec4<f32>>' : 'array<f32>' }],
    fragments: [address(name), store],
    params: addressParams(name, rowStrides),
  }
}

/**
 * Declares `store_lse(batch, head, row, m, l)`: stores the natural logarithm of l · 2^m, or −∞ if l is 0. Does nothing
 * if LSE is no output.
 */
export function lsePart({ returnLse, numHeads, seqLenQ }: AttentionProblem): Part {
  if (!returnLse)
    return { bindings: [], fragments: ['fn store_lse(batch: u32, head: u32, row: u32, m: f32, l: f32) {}'], params: {} }
  // As bits, because WGSL implementations may assume that infinities do not occur.
  return {
    bindings: [{ name: 'lse', tensor: 'lse', access: 'read_write', type: 'array<u32>' }],
    fragments: [
      `fn store_lse(batch: u32, head: u32, row: u32, m: f32, l: f32) {
  let at = (batch * ${numHeads}u + head) * params.lse_rows + row;
  lse[at] = select(0xff800000u, bitcast<u32>((m + log2(l)) * 0.6931471805599453), l > 0.0);
}`,
    ],
    params: { lse_rows: u32(seqLenQ) },
  }
}

/** Declares `x_at` and `x4` of the input `tensor` with rows of `width` elements. */
export function rowsPart(
  name: string,
  tensor: string,
  dtype: string,
  width: number,
  [batch, head, row]: readonly [number, number, number],
): Part {
  const isVector = width % 4 === 0
  const half = (index: string): string => `unpack2x16float(${name}[(${index}) / 2u] >> (16u * ((${index}) & 1u))).x`
  const read = (index: string): string => (dtype === 'f16' ? half(index) : `${name}[${index}]`)
  const type =
    dtype === 'f16' ? (isVector ? 'array<vec2<u32>>' : 'array<u32>') : isVector ? 'array<vec4<f32>>' : 'array<f32>'
  const body = isVector
    ? `  if (chunk >= ${width / 4}u) { return vec4<f32>(); }
  let stored = ${name}[at / 4u + chunk];
  return ${dtype === 'f16' ? 'vec4<f32>(unpack2x16float(stored.x), unpack2x16float(stored.y))' : 'stored'};`
    : `  var value = vec4<f32>();
  for (var i = 0u; i < 4u; i++) {
    let column = 4u * chunk + i;
    if (column < ${width}u) { value[i] = ${read('at + column')}; }
  }
  return value;`
  return {
    bindings: [{ name, tensor, access: 'read', type }],
    fragments: [address(name), `fn ${name}4(at: u32, chunk: u32) -> vec4<f32> {\n${body}\n}`],
    params: addressParams(name, [batch, head, row]),
  }
}

function address(name: string): string {
  return `fn ${name}_at(batch: u32, head: u32, row: u32) -> u32 { return batch * params.${name}_batch + head * params.${name}_head + row * params.${name}_row; }`
}

function addressParams(name: string, [batch, head, row]: readonly [number, number, number]): Part['params'] {
  return { [`${name}_batch`]: u32(batch), [`${name}_head`]: u32(head), [`${name}_row`]: u32(row) }
}
