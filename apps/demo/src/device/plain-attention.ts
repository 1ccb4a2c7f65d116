import { attentionWasm } from '@tessera-llm/attention/wasm'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'

/** A device with only the plain attention kernel: that is the whole swap. */
export function createPlainDevice(): Promise<WasmDevice> {
  const plain = attentionWasm.filter(({ op, name }) => op !== 'attention' || name === 'plain')
  return createWasmDevice({ kernels: [...kernelsWasm, ...plain, ...quantizationWasm] })
}
