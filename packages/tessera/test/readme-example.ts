import { load } from '@tessera-llm/tessera/node'

const model = await load('model.gguf', { device: 'wasm', threads: 1 })

const generation = model.generate('The President of the United States', { maxTokens: 16, temperature: 0 })
for await (const { text } of generation) process.stdout.write(text)
const { stop, ids } = await generation.result
console.log(stop, ids.length)

await model.dispose()
