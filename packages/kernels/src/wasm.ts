import type { WasmKernel } from '@tessera-llm/wasm'
import { activationWasm } from './activation/wasm.ts'
import { addWasm } from './add/wasm.ts'
import { addColumnSumsWasm } from './add-column-sums/wasm.ts'
import { addProductWasm } from './add-product/wasm.ts'
import { addRmsNormWasm } from './add-rms-norm/wasm.ts'
import { argmaxWasm } from './argmax/wasm.ts'
import { crossEntropyWasm } from './cross-entropy/wasm.ts'
import { embeddingWasm } from './embedding/wasm.ts'
import { gatedActivationWasm } from './gated-activation/wasm.ts'
import { hadamardWasm } from './hadamard/wasm.ts'
import { layerNormWasm } from './layer-norm/wasm.ts'
import { linearWasm } from './linear/wasm.ts'
import { matmulWasm } from './matmul/wasm.ts'
import { multiplyWasm } from './multiply/wasm.ts'
import { rmsNormWasm } from './rms-norm/wasm.ts'
import { ropeWasm } from './rope/wasm.ts'
import { scaleWasm } from './scale/wasm.ts'
import { logSoftmaxWasm, softmaxWasm } from './softmax/wasm.ts'
import { topKWasm } from './top-k/wasm.ts'

export { activationCodes } from './activation/codes.ts'

/** All kernels of this package for the WebAssembly device. */
export const kernelsWasm: readonly WasmKernel[] = [
  activationWasm,
  addColumnSumsWasm,
  addProductWasm,
  addWasm,
  addRmsNormWasm,
  argmaxWasm,
  crossEntropyWasm,
  embeddingWasm,
  gatedActivationWasm,
  hadamardWasm,
  layerNormWasm,
  linearWasm,
  logSoftmaxWasm,
  matmulWasm,
  multiplyWasm,
  rmsNormWasm,
  ropeWasm,
  scaleWasm,
  softmaxWasm,
  topKWasm,
]
