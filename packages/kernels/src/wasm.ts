import type { WasmKernel } from '@tessera-llm/wasm'
import { argmaxWasm } from './argmax/wasm.ts'
import { embeddingWasm } from './embedding/wasm.ts'
import { gatedActivationWasm } from './gated-activation/wasm.ts'
import { linearWasm } from './linear/wasm.ts'
import { rmsNormWasm } from './rms-norm/wasm.ts'
import { ropeWasm } from './rope/wasm.ts'

/** Every kernel of this package for the WebAssembly device. */
export const kernelsWasm: readonly WasmKernel[] = [argmaxWasm, embeddingWasm, gatedActivationWasm, linearWasm, rmsNormWasm, ropeWasm]
