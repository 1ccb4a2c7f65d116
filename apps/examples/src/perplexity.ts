// How well a model predicts a text: node dist/perplexity.js MODEL.gguf TEXT.txt
import { readFile } from 'node:fs/promises'
import { measurePerplexity } from '@tessera-llm/evaluation'
import { load } from '@tessera-llm/tessera/node'
import { tinyModel } from '@tessera-llm/tiny-model'

const plain =
  'The Congress has met again, and the state of the Union is good. The country is at peace with all nations. The revenue of the year has been greater than the expenses of the Government, and the debt has become smaller. '
const text = process.argv[3] === undefined ? plain.repeat(2) : await readFile(process.argv[3], 'utf8')

// `f32` is the exact arithmetic; a session with the default on WebAssembly, `int8`, would show what the fast one costs.
const model = await load(process.argv[2] ?? tinyModel.ggufUrl, { device: 'wasm', activations: 'f32' })
const { tokenizer, session } = model
const { perplexity, standardErrorClustered, tokens } = await measurePerplexity(session, tokenizer.encode(text), {
  window: Math.min(32, session.contextLength),
  bosId: tokenizer.addBos ? tokenizer.bosId : undefined,
  onProgress: ({ windows, totalWindows }) => process.stderr.write(`\r${windows} of ${totalWindows} windows`),
})
process.stderr.write('\n')
console.log(`perplexity ${perplexity.toFixed(2)} ± ${standardErrorClustered.toFixed(2)} over ${tokens} tokens`)
await model.dispose()
