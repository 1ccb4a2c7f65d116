import type { WeightReader } from '@tessera-llm/kernels/webgpu'
import type { WeightSpec } from '@tessera-llm/tensor'
import type { Binding } from '@tessera-llm/webgpu'
import { codeRowBytes, type GridFormat, isGridFormat, type ZeroType } from '../grid-format/index.ts'
import { codeBits, type Grid, groupColumns, groupsPerRow, type ScaleType } from '../quantized-matrix/index.ts'
import e2m1Levels from '../block-reader/e2m1-levels.wgsl'
import codes from './codes.wgsl'
import fp8E4M3 from './fp8-e4m3.wgsl'
import packedCodes from './packed-codes.wgsl'
import packedTable from './packed-table.wgsl'
import scales from './scales.wgsl'
import table from './table.wgsl'

/** Columns that a lane takes at once, where groups allow it. */
const mostLaneColumns = 32

/**
 * Matrices on a grid as `packMatrix` stores them: integers of 2, 3, 4 and 8 bits with zero points or without, tables of
 * up to 16 values, both kinds of fp8.
 */
export const gridReader: WeightReader = {
  name: 'grid',
  supports(weight) {
    const format = formatOf(weight)
    if (!format)
      return `reads matrices on a grid, not ${weight.kind === 'dense' ? `dense ${weight.dtype}` : weight.format.id}`
    const { grid, hasColumnGroups } = format
    if (hasColumnGroups) return `columns of ${format.id} name their groups, so that neighbours have no scale in common`
    if (typeof grid.group === 'number' && grid.group % 8 !== 0)
      return `reads groups of a multiple of 8 columns, not of ${grid.group}`
    if (grid.kind === 'codebook' && grid.values.length > 16 && !isFp8(grid))
      return `has no table of ${grid.values.length} values, only of up to 16, fp8_e4m3 and fp8_e5m2`
    return true
  },
  groupSize(weight) {
    const group = formatOf(weight)?.grid.group
    return typeof group === 'number'
      ? ([mostLaneColumns, 16, 8].find((columns) => group % columns === 0) ?? 8)
      : mostLaneColumns
  },
  hasMinimum: (weight) => formatOf(weight)?.zeros !== 'none',
  hasPackedCodes(weight) {
    const grid = formatOf(weight)?.grid
    return grid?.kind === 'integer' || grid?.id === 'fp4_e2m1'
  },
  bindings(weight) {
    const format = formatOf(weight) as GridFormat
    const part = (name: string, type: string): Binding => ({
      name: `grid_${name}`,
      tensor: `weight.${name}`,
      access: 'read',
      type,
    })
    const { zeros, grid } = format
    return [
      part('codes', 'array<u32>'),
      part('scales', elements[grid.scaleType].type),
      ...(zeros === 'none' ? [] : [part('zeros', zeros === 'codes' ? 'array<u32>' : elements[zeros].type)]),
    ]
  },
  fragments(weight) {
    const { grid, zeros } = formatOf(weight) as GridFormat
    const columns = weight.shape[1] ?? 0
    const bits = codeBits(grid)
    const groups = grid.group === 'tensor' ? 0 : groupsPerRow(grid, columns)
    return [
      `const BITS = ${bits}u;\nconst ROW_BYTES = ${codeRowBytes(columns, bits)}u;\nconst GROUP_COLUMNS = ${Math.max(1, groupColumns(grid, columns))}u;\nconst GROUPS = ${groups}u;`,
      valuesFragment(grid),
      codes,
      `fn scale_at(i: u32) -> f32 { return ${elements[grid.scaleType].at('grid_scales')}; }`,
      zeroFragment(zeros, bits, groups),
      scales,
      packedFragment(grid),
    ]
  },
}

function formatOf(weight: WeightSpec): GridFormat | undefined {
  return weight.kind === 'packed' && weight.format.version === 1 && isGridFormat(weight.format)
    ? weight.format
    : undefined
}

function isFp8({ id }: { readonly id: string }): boolean {
  return id === 'fp8_e4m3' || id === 'fp8_e5m2'
}

/** Element i of a part, as f32; 16-bit elements lie in pairs in a word, bytes in fours. */
const elements: Readonly<Record<ScaleType, { readonly type: string; at(name: string): string }>> = {
  f32: { type: 'array<f32>', at: (name) => `${name}[i]` },
  f16: { type: 'array<u32>', at: (name) => `unpack2x16float(${name}[i / 2u] >> (16u * (i & 1u))).x` },
  bf16: { type: 'array<u32>', at: (name) => `bitcast<f32>((${name}[i / 2u] >> (16u * (i & 1u))) << 16u)` },
  // 2^(exponent − 127); that of 0 is subnormal.
  e8m0: {
    type: 'array<u32>',
    at: (name) => `bitcast<f32>(max(((${name}[i / 4u] >> (8u * (i & 3u))) & 255u) << 23u, 0x00400000u))`,
  },
}

function valuesFragment(grid: Grid): string {
  if (grid.kind === 'integer')
    return `fn values_of(codes: vec4<u32>) -> vec4<f32> { return vec4<f32>(codes) - ${grid.isSymmetric ? 2 ** (grid.bits - 1) : 0}.0; }`
  if (grid.id === 'fp8_e4m3') return fp8E4M3
  // An e5m2 is the upper half of an f16.
  if (grid.id === 'fp8_e5m2')
    return 'fn values_of(codes: vec4<u32>) -> vec4<f32> { return vec4<f32>(unpack2x16float((codes.x << 8u) | (codes.y << 24u)), unpack2x16float((codes.z << 8u) | (codes.w << 24u))); }'
  return `const TABLE = array<f32, ${grid.values.length}>(${Array.from(grid.values, (value) => `${value}f`).join(', ')});\n${table}`
}

/** Codes as signed bytes, less what makes them symmetric or, of 8 bits, fit; scales and minimums that go with them. */
function packedFragment(grid: Grid): string {
  if (grid.kind === 'codebook') return grid.id === 'fp4_e2m1' ? `${e2m1Levels}${packedTable}` : ''
  const less = grid.bits === 8 || grid.isSymmetric ? 2 ** (grid.bits - 1) : 0
  const minimum = grid.bits === 8 && !grid.isSymmetric ? ' - vec2<f32>(0.0, 128.0 * scale_of(row, k).x)' : ''
  return `const LESS = ${less}u;\n${packedCodes}\nfn packed_scale_of(row: u32, k: u32) -> vec2<f32> { return scale_of(row, k)${minimum}; }`
}

function zeroFragment(zeros: ZeroType, bits: number, groups: number): string {
  if (zeros === 'none') return 'fn zero_at(row: u32, group: u32) -> f32 { return 0.0; }'
  if (zeros !== 'codes')
    return `fn zero_at(row: u32, group: u32) -> f32 {\n  let i = row * GROUPS + group;\n  return ${elements[zeros].at('grid_zeros')};\n}`
  // Rows of codes of their own, which a byte may divide; one zero for the whole tensor is a row.
  return `fn zero_byte(byte: u32) -> u32 { return (grid_zeros[min(byte / 4u, arrayLength(&grid_zeros) - 1u)] >> ((byte % 4u) * 8u)) & 255u; }
fn zero_at(row: u32, group: u32) -> f32 {
  let bit = group * BITS;
  let byte = row * ${groups === 0 ? 0 : codeRowBytes(groups, bits)}u + bit / 8u;
  return f32(((zero_byte(byte) | (zero_byte(byte + 1u) << 8u)) >> (bit % 8u)) & MASK);
}`
}
