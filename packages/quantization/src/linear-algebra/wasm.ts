import { instantiateStandalone } from '@tessera-llm/wasm'
import { linearAlgebraModule } from '../generated/linear-algebra.ts'
import { blockColumns, blockDepth, blockRows, createMultiply } from './blocks.ts'
import type { Multiply } from './operand.ts'

/**
 * Makes the f64 product of the calibrated methods in WebAssembly SIMD, on the calling thread. Where relaxed SIMD is
 * there, products are fused, so that last bits differ from `createPlainMultiply`'s. It keeps 4 MiB; make one and pass
 * it to every call.
 *
 * @throws TesseraError `unsupported` where WebAssembly SIMD is missing
 */
export async function createWasmMultiply(): Promise<Multiply> {
  const bytesA = blockRows * blockDepth * 8
  const bytesB = blockColumns * blockDepth * 8
  const bytesC = blockRows * blockColumns * 8
  const { exports, buffer } = await instantiateStandalone(linearAlgebraModule, bytesA + bytesB + bytesC)
  const multiplyPanels = exports['multiplyPanels'] as (
    a: number,
    b: number,
    c: number,
    rows: number,
    columns: number,
    k: number,
  ) => void
  return createMultiply({
    a: new Float64Array(buffer, 0, bytesA / 8),
    b: new Float64Array(buffer, bytesA, bytesB / 8),
    c: new Float64Array(buffer, bytesA + bytesB, bytesC / 8),
    multiply: (rows, columns, k) => multiplyPanels(0, bytesA, bytesA + bytesB, rows, columns, k),
  })
}
