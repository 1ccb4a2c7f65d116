import { linearOp } from '@tessera-llm/kernels'
import { lastAxis, type Problem, rowsOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { quantizationModule } from '../generated/quantization.ts'
import { blocksOf } from '../rows8/layout.ts'
import { codeArguments, int8Bytes, layoutOf, rows8Int8Wasm, rows8RowsWasm, rowsBytes, sizesOf } from './wasm.ts'

/** Tokens of a tile of products that are summed in 32 bits. */
const tileTokens = 6

/** int8 records of all tokens, padded to tiles: 32 bytes of codes and 28 of fields for 32 columns of a token. */
function tileRecordBytes(tokens: number, columns: number): number {
  return Math.ceil(tokens / tileTokens) * tileTokens * blocksOf(columns) * 60
}

/** Several tokens where one instruction multiplies bytes and sums them in 32 bits: four are few for its tiles of six. */
export const rows8DotAddWasm: WasmKernel = defineWasmKernel(linearOp, {
  name: 'rows8-dot-add',
  priority: 5,
  module: quantizationModule,
  supports(problem, capabilities) {
    if (capabilities['dotAdd'] === undefined) return 'the platform has no dot product of bytes that adds to 32 bits'
    const { x, weight } = problem.inputs
    const fits = rows8Int8Wasm.supports(problem as Problem, capabilities)
    if (fits !== true) return fits
    if (layoutOf(weight).codes.startsWith('levels')) return 'levels of 16 bits are no bytes'
    return rowsOf(x.shape) > 4 || `takes five tokens or more, not ${rowsOf(x.shape)}`
  },
  stages({ inputs: { x, weight }, options }, capabilities) {
    const sizes = sizesOf(x, weight, int8Bytes(lastAxis(x.shape)), options)
    const args = codeArguments(weight, sizes, capabilities)
    return [
      { entry: 'roundTokensForAdd', args },
      { entry: 'gemmDotAdd', args },
    ]
  },
  scratchBytes({ inputs: { x } }, threads) {
    const columns = lastAxis(x.shape)
    return int8Bytes(columns) * threads + tileRecordBytes(rowsOf(x.shape), columns)
  },
})

/** W8A8 where one instruction multiplies bytes and sums them in 32 bits. */
export const rows8RowsDotAddWasm: WasmKernel = defineWasmKernel(linearOp, {
  name: 'rows8-w8a8-dot-add',
  priority: 15,
  module: quantizationModule,
  supports(problem, capabilities) {
    const adds = rows8DotAddWasm.supports(problem as Problem, capabilities)
    return adds === true ? rows8RowsWasm.supports(problem as Problem, capabilities) : adds
  },
  stages({ inputs: { x, weight }, options }, capabilities) {
    const sizes = sizesOf(x, weight, rowsBytes(lastAxis(x.shape)), options)
    const args = codeArguments(weight, sizes, capabilities)
    return [
      { entry: 'roundRowsForAdd', args },
      { entry: 'gemmRowsDotAdd', args },
    ]
  },
  scratchBytes({ inputs: { x } }, threads) {
    const columns = lastAxis(x.shape)
    const tokens = rowsOf(x.shape)
    // Behind each tile where its sums begin, and its scales.
    return rowsBytes(columns) * threads + tileRecordBytes(tokens, columns) + Math.ceil(tokens / tileTokens) * 48
  },
})
