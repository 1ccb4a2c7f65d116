import { linear } from '@tessera-llm/kernels'
import { ggmlPackers } from '@tessera-llm/quantization'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { TesseraError } from '@tessera-llm/tensor'
import { createWasmDevice } from '@tessera-llm/wasm'

// A matrix [16, 32] as a GGUF file stores q4_0: for each 32 weights a scale in f16, here 0.5, and 4-bit codes less 8.
const stored = new Uint8Array(16 * 18)
for (let row = 0; row < 16; row++) {
  new DataView(stored.buffer).setUint16(row * 18, 0x3800, true)
  stored.fill(0x99, row * 18 + 2, row * 18 + 18) // every code is 9: every weight is 0.5 · (9 − 8)
}

const device = await createWasmDevice({ kernels: quantizationWasm, threads: 2 })
const packer = ggmlPackers.find(({ source, device: kind }) => source === 'q4_0' && kind === device.kind)
if (!packer) throw new TesseraError('unsupported', 'no kernels for q4_0 on this device')
const weight = device.pack(packer.format, [16, 32], packer.pack(stored, [16, 32]))
const x = device.tensor(new Float32Array(32).fill(3), [1, 32])
console.log(
  weight.format.id,
  weight.byteLength,
  (await device.read(linear(x, weight)))[0],
  (await device.read(linear(x, weight, { activations: 'int8' })))[0],
)
// Static: 3 is the code 6 of steps of 0.5, and beyond the largest of steps of 0.02, which is 2.54.
for (const inputScale of [0.5, 0.02])
  console.log((await device.read(linear(x, weight, { activations: 'int8-static', inputScale })))[0])
await device.dispose()
