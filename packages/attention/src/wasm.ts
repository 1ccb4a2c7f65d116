import type { WasmKernel } from '@tessera-llm/wasm'
import { decodeWasm, flashWasm, plainWasm } from './attention/wasm/index.ts'
import { flashBackwardWasm, plainBackwardWasm } from './attention-backward/wasm/index.ts'
import { kvAppendWasm } from './kv-append/wasm.ts'
import { kvCopyPageWasm } from './kv-copy-page/wasm.ts'
import { kvStoreWasm } from './kv-store/wasm.ts'
import { ropeAppendWasm } from './rope-append/wasm.ts'

/** All kernels of this package for the WebAssembly device. */
export const attentionWasm: readonly WasmKernel[] = [
  decodeWasm,
  flashWasm,
  plainWasm,
  flashBackwardWasm,
  plainBackwardWasm,
  kvAppendWasm,
  kvCopyPageWasm,
  kvStoreWasm,
  ropeAppendWasm,
]
