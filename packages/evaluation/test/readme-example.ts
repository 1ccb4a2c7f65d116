import { readFile } from 'node:fs/promises'
import { measurePerplexity } from '@tessera-llm/evaluation'
import { bufferSource, readGguf } from '@tessera-llm/formats'
import { ggmlPackers } from '@tessera-llm/quantization'
import { createSession, createTokenizerFromGguf, llamaFamily, loadModel } from '@tessera-llm/runtime'
import { createReferenceDevice } from '@tessera-llm/tensor'

const checkpoint = await readGguf(bufferSource(await readFile('model.gguf')))
const tokenizer = createTokenizerFromGguf(checkpoint.metadata)
const model = await loadModel(checkpoint, {
  device: createReferenceDevice(),
  packers: ggmlPackers,
  families: [llamaFamily],
})
const session = createSession(model, { activations: 'f32' })

const ids = tokenizer.encode(await readFile('text.txt', 'utf8'))
const { perplexity, standardErrorClustered, tokens } = await measurePerplexity(session, ids, {
  window: 32,
  bosId: tokenizer.addBos ? tokenizer.bosId : undefined,
  onProgress: ({ windows, totalWindows }) => console.log(`${windows} of ${totalWindows} windows`),
})
console.log(`perplexity ${perplexity.toFixed(2)} ± ${standardErrorClustered.toFixed(2)} over ${tokens} tokens`)
