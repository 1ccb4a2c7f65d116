import { decodeFp8E4M3, decodeFp8E5M2 } from '@tessera-llm/tensor'
import type { CodebookGrid } from './grid.ts'

/** Tables of 4- and 8-bit codes, by the names that grids have for them. */
export type CodebookId = 'nf4' | 'fp4_e2m1' | 'fp8_e4m3' | 'fp8_e5m2'

/** The quantiles of a normal distribution between −1 and 1, zero included (QLoRA, arXiv 2305.14314, appendix E). */
const nf4 = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
]

/** OCP Microscaling Formats 1.0: sign, two bits of exponent, one of mantissa. */
const fp4 = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6]

/**
 * The values of a table in the order of their codes, f32. The 8-bit tables hold NaN, that of e5m2 infinities too, where
 * their codes stand for them.
 */
export function codebookValues(id: CodebookId): Float32Array {
  if (id === 'nf4') return Float32Array.from(nf4)
  if (id === 'fp4_e2m1') return Float32Array.from(fp4)
  return Float32Array.from({ length: 256 }, (_, code) =>
    id === 'fp8_e4m3' ? decodeFp8E4M3(code) : decodeFp8E5M2(code),
  )
}

/** The grid of a published table. MXFP4 is `codebookGrid('fp4_e2m1', 32, 'e8m0')`. */
export function codebookGrid(
  id: CodebookId,
  group: CodebookGrid['group'],
  scaleType: CodebookGrid['scaleType'] = 'f16',
): CodebookGrid {
  return { kind: 'codebook', id, values: codebookValues(id), group, scaleType }
}

/** Levels > 0 of the quantizers of least squared error for a standard normal variable (Max 1960, table I). */
const normalLevels = {
  2: [0.4528, 1.51],
  3: [0.2451, 0.756, 1.344, 2.152],
  4: [0.1284, 0.3881, 0.6568, 0.9424, 1.256, 1.618, 2.069, 2.733],
} as const

/**
 * Tables for weights that are distributed normally, as rotated ones are: `normal2`, `normal3`, `normal4`, with levels
 * closer where weights are denser, and no zero points. Scales are to be searched: the table ends before the largest
 * weights do.
 */
export function normalGrid(
  bits: 2 | 3 | 4,
  group: CodebookGrid['group'],
  scaleType: CodebookGrid['scaleType'] = 'f16',
): CodebookGrid {
  const levels = normalLevels[bits]
  return {
    kind: 'codebook',
    id: `normal${bits}`,
    values: Float32Array.from([...levels.map((level) => -level).reverse(), ...levels]),
    group,
    scaleType,
  }
}
