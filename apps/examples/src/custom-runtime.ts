// A runtime of your own: your device, your families, your sampler, your loop.
import { fileURLToPath } from 'node:url'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { readGguf } from '@tessera-llm/formats'
import { fileSource } from '@tessera-llm/formats/node'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { ggmlPackers } from '@tessera-llm/quantization'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { createSession, createTextStream, createTokenizerFromGguf, llamaFamily, loadModel } from '@tessera-llm/runtime'
import { createRandom } from '@tessera-llm/tensor'
import { tinyModel } from '@tessera-llm/tiny-model'
import { createWasmDevice } from '@tessera-llm/wasm'

const path = process.argv[2] ?? fileURLToPath(tinyModel.ggufUrl)
const prompt = process.argv[3] ?? 'The whale'

// A device is made from kernels; leave out those of quantization, and packed weights become a clear error.
const device = await createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm] })

// Weights go from the file to the device one by one; the file may be larger than what JavaScript can hold.
const checkpoint = await readGguf(await fileSource(path))
const tokenizer = createTokenizerFromGguf(checkpoint.metadata)
const model = await loadModel(checkpoint, { device, packers: ggmlPackers, families: [llamaFamily] })
await checkpoint.close()

// A session is one sequence and its key-value cache.
const session = createSession(model, { contextLength: 256 })
const text = createTextStream({ tokenizer, stop: [] })
const random = createRandom(42)

/** Min-p sampling: of all tokens at least a tenth as likely as the best one, draws by likelihood. */
function sample(logits: Float32Array): number {
  const best = logits.reduce((a, b) => Math.max(a, b))
  const weights = [...logits.entries()]
    .map(([id, logit]) => ({ id, weight: Math.exp((logit - best) / 0.9) }))
    .filter(({ weight }) => weight >= 0.1)
  let rest = random.uniform() * weights.reduce((sum, { weight }) => sum + weight, 0)
  for (const { id, weight } of weights) if ((rest -= weight) <= 0) return id
  return logits.indexOf(best)
}

process.stdout.write(prompt)
let logits = await session.prefill(tokenizer.encode(prompt, { addSpecial: true }))
for (let count = 0; count < 40; count++) {
  const id = sample(logits)
  if (tokenizer.eosIds.includes(id)) break
  process.stdout.write(text.push(id))
  logits = await session.step(id)
}
process.stdout.write(`${text.flush()}\n`)
console.log(
  `${session.tokens.length} tokens, ${session.cacheBytes} bytes of cache, ${model.weightBytes} bytes of weights on ${device.name}`,
)

session.dispose()
model.dispose()
await device.dispose()
