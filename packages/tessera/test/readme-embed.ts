import { load } from '@tessera-llm/tessera/node'

const model = await load('all-MiniLM-L6-v2', { device: 'wasm', threads: 1 })

const texts = ['The cat sleeps on the sofa.', 'A kitten naps on the couch.', 'Shares fell on Monday.']
const [query, ...others] = await model.embed(texts)
const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)
for (const [i, other] of others.entries()) console.log(cosine(query ?? other, other).toFixed(2), texts[i + 1])

await model.dispose()
