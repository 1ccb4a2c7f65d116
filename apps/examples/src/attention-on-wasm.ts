// One operator, alone: npm i @tessera-llm/attention @tessera-llm/wasm
import { attention } from '@tessera-llm/attention'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { createWasmDevice } from '@tessera-llm/wasm'

const device = await createWasmDevice({ kernels: attentionWasm })
const [tokens, heads, kvHeads, headDim] = [512, 8, 2, 64]
const wave = (count: number, step: number) =>
  device.tensor(
    Float32Array.from({ length: count * tokens * headDim }, (_, index) => Math.sin(index * step)),
    [1, count, tokens, headDim],
  )

// Four query heads share a KV head: that is grouped-query attention, and follows from the shapes.
const [q, k, v] = [wave(heads, 0.37), wave(kvHeads, 0.73), wave(kvHeads, 0.11)]
for (const kernel of ['plain', 'flash']) {
  attention(q, k, v, { isCausal: true }, { kernel }).o.dispose()
  const begin = performance.now()
  const { o } = attention(q, k, v, { isCausal: true }, { kernel })
  const milliseconds = performance.now() - begin
  const first = (await device.read(o)).subarray(0, 3)
  console.log(
    `${kernel}: [${o.shape.join(', ')}] in ${milliseconds.toFixed(1)} ms, begins with ${[...first].map((value) => Number(value).toFixed(5)).join(' ')}`,
  )
}
await device.dispose()
