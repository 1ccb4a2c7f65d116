import { attentionWasm } from '@tessera-llm/attention/wasm'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { createReferenceDevice, type Device } from '@tessera-llm/tensor'
import { createWasmDevice } from '@tessera-llm/wasm'

export const makers: Readonly<Record<'reference' | 'wasm', () => Promise<Device>>> = {
  reference: async () => createReferenceDevice(),
  wasm: () => createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm], threads: 2 }),
}
