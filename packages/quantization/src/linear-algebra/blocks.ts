import type { Multiply, Operand } from './operand.ts'

/** Largest block that is multiplied at once: a 1 MiB, b 2 MiB, their product 256 KiB. */
export const blockRows = 128
export const blockColumns = 256
export const blockDepth = 1024

/** Packed operands and the loop over them; arrays are overwritten by each product. */
export interface PanelMultiplier {
  /** f64 [rows / 4][k][4]. */
  readonly a: Float64Array
  /** f64 [columns / 4][k][4]. */
  readonly b: Float64Array
  /** f64 [columns / 4][rows / 4][4][4]. */
  readonly c: Float64Array
  /** c = a · b, for `rows` panels of a and `columns` panels of b. */
  multiply(rows: number, columns: number, k: number): void
}

/** A product of any size from one of packed blocks. */
export function createMultiply(panels: PanelMultiplier): Multiply {
  return (m, n, k, alpha, a, b, c) => {
    for (let depth = 0; depth < k; depth += blockDepth) {
      const kNow = Math.min(blockDepth, k - depth)
      for (let column = 0; column < n; column += blockColumns) {
        const nNow = Math.min(blockColumns, n - column)
        pack(
          panels.b,
          kNow,
          nNow,
          b.data,
          b.offset + depth * b.rowStride + column * b.columnStride,
          b.rowStride,
          b.columnStride,
        )
        for (let row = 0; row < m; row += blockRows) {
          const mNow = Math.min(blockRows, m - row)
          pack(
            panels.a,
            kNow,
            mNow,
            a.data,
            a.offset + row * a.rowStride + depth * a.columnStride,
            a.columnStride,
            a.rowStride,
          )
          panels.multiply((mNow + 3) >> 2, (nNow + 3) >> 2, kNow)
          accumulate(panels.c, mNow, nNow, alpha, c, c.offset + row * c.rowStride + column * c.columnStride)
        }
      }
    }
  }
}

/** Panels of four lanes; lanes beyond the last are zero. `along` is the stride of k, `across` that of the lanes. */
function pack(
  to: Float64Array,
  k: number,
  lanes: number,
  from: Operand['data'],
  offset: number,
  along: number,
  across: number,
): void {
  for (let lane = 0; lane < lanes; lane += 4) {
    let at = lane * k
    let start = offset + lane * across
    if (lanes - lane < 4) {
      for (let i = 0; i < k; i++, start += along) {
        for (let extra = 0; extra < 4; extra++, at++)
          to[at] = lane + extra < lanes ? (from[start + extra * across] as number) : 0
      }
      continue
    }
    for (let i = 0; i < k; i++, start += along, at += 4) {
      to[at] = from[start] as number
      to[at + 1] = from[start + across] as number
      to[at + 2] = from[start + 2 * across] as number
      to[at + 3] = from[start + 3 * across] as number
    }
  }
}

function accumulate(
  tiles: Float64Array,
  m: number,
  n: number,
  alpha: number,
  { data, rowStride, columnStride }: Operand,
  offset: number,
): void {
  const panelRows = (m + 3) >> 2
  for (let row = 0; row < m; row++) {
    const inTile = (row >> 2) * 16 + (row & 3) * 4
    const start = offset + row * rowStride
    for (let column = 0; column < n; column++) {
      const value = tiles[(column >> 2) * panelRows * 16 + inTile + (column & 3)] as number
      data[start + column * columnStride] = (data[start + column * columnStride] as number) + alpha * value
    }
  }
}
