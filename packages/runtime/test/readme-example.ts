import { attentionWasm } from '@tessera-llm/attention/wasm'
import { openCheckpoint } from '@tessera-llm/formats/node'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { ggmlPackers } from '@tessera-llm/quantization'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { createSession, createTokenizerFromGguf, generate, llamaFamily, loadModel } from '@tessera-llm/runtime'
import { createWasmDevice } from '@tessera-llm/wasm'

const checkpoint = await openCheckpoint('model.gguf')
const device = await createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm] })
const model = await loadModel(checkpoint, { device, packers: ggmlPackers, families: [llamaFamily] })
const tokenizer = createTokenizerFromGguf(checkpoint.metadata)

const session = createSession(model, { contextLength: 100 })
const generation = generate(session, tokenizer, tokenizer.encode('Once upon a time'), {
  maxTokens: 12,
  temperature: 0,
  ignoreEos: true,
})
for await (const { id, text } of generation) console.log(id, text)
const { stop, timings } = await generation.result
console.log(stop, timings.promptTokens + timings.decodeTokens, session.tokens.length)

session.dispose()
model.dispose()
await device.dispose()
await checkpoint.close()
