import { load } from '@tessera-llm/tessera/node'
import { tinyModel } from '@tessera-llm/tiny-model'

const model = await load(tinyModel.ggufUrl, { device: 'wasm' })
const generation = model.generate('The President of the United States', { maxTokens: 40, temperature: 0 })
for await (const { text } of generation) process.stdout.write(text)

const { decodeTokens, decodeMs } = (await generation.result).timings
console.log(`\n${((1000 * decodeTokens) / decodeMs).toFixed(0)} tokens/s on ${model.device.name}`)
await model.dispose()
