import type { WasmKernel } from '@tessera-llm/wasm'
import { rows8EmbeddingWasm } from './embedding/wasm.ts'
import { gatedInt8Wasm, qkvInt8Wasm } from './fused/wasm.ts'
import { packRows8Wasm } from './rows8/pack-wasm.ts'
import { rows8DotAddWasm, rows8RowsDotAddWasm } from './linear/dot-add.ts'
import { rows8ExactWasm, rows8FloatWasm, rows8Int8Wasm, rows8RowsWasm } from './linear/wasm.ts'

/** Every kernel of this package for the WebAssembly device. */
export const quantizationWasm: readonly WasmKernel[] = [
  packRows8Wasm,
  rows8EmbeddingWasm,
  rows8ExactWasm,
  rows8FloatWasm,
  rows8Int8Wasm,
  rows8DotAddWasm,
  rows8RowsWasm,
  rows8RowsDotAddWasm,
  qkvInt8Wasm,
  gatedInt8Wasm,
]
export { createWasmMultiply } from './linear-algebra/wasm.ts'
export { createWasmGptqKernel, sweepRowsWasm } from './method/gptq/wasm.ts'
export { decodeBlocksWasm } from './decode/wasm.ts'
export { createWasmEncoder, encodeBlocksWasm } from './encode/wasm.ts'
export { roundGroupsWasm } from './round/wasm.ts'
