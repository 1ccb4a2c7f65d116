import { blockColumns, blockDepth, blockRows, createMultiply } from './blocks.ts'
import type { Multiply } from './operand.ts'

/**
 * Makes a product in plain TypeScript, about 2 GFLOP/s: enough for small layers and for tests. `createWasmMultiply` of
 * `@tessera-llm/quantization/wasm` is some eight times as fast. It keeps 3 MiB of buffers.
 */
export function createPlainMultiply(): Multiply {
  const a = new Float64Array(blockRows * blockDepth)
  const b = new Float64Array(blockColumns * blockDepth)
  const c = new Float64Array(blockRows * blockColumns)
  return createMultiply({
    a,
    b,
    c,
    multiply(rows, columns, k) {
      for (let column = 0; column < columns; column++) {
        for (let row = 0; row < rows; row++) tile(a, row * k * 4, b, column * k * 4, k, c, (column * rows + row) * 16)
      }
    },
  })
}

function tile(
  a: Float64Array,
  atA: number,
  b: Float64Array,
  atB: number,
  k: number,
  c: Float64Array,
  at: number,
): void {
  for (let half = 0; half < 4; half += 2) {
    let c00 = 0
    let c01 = 0
    let c02 = 0
    let c03 = 0
    let c10 = 0
    let c11 = 0
    let c12 = 0
    let c13 = 0
    for (let i = 0, x = atA + half, y = atB; i < k; i++, x += 4, y += 4) {
      const x0 = a[x] as number
      const x1 = a[x + 1] as number
      const y0 = b[y] as number
      const y1 = b[y + 1] as number
      const y2 = b[y + 2] as number
      const y3 = b[y + 3] as number
      c00 += x0 * y0
      c01 += x0 * y1
      c02 += x0 * y2
      c03 += x0 * y3
      c10 += x1 * y0
      c11 += x1 * y1
      c12 += x1 * y2
      c13 += x1 * y3
    }
    const to = at + half * 4
    c[to] = c00
    c[to + 1] = c01
    c[to + 2] = c02
    c[to + 3] = c03
    c[to + 4] = c10
    c[to + 5] = c11
    c[to + 6] = c12
    c[to + 7] = c13
  }
}
