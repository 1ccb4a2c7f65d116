import { readFile, writeFile } from 'node:fs/promises'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { bufferSink, bufferSource, readGguf } from '@tessera-llm/formats'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { applyRecipe, bytesByClass, parseRecipe, planRecipe, subjectOf, writeGgufModel } from '@tessera-llm/optimize'
import { createSolver } from '@tessera-llm/optimize/wasm'
import { createTokenizerFromGguf, llamaFamily } from '@tessera-llm/runtime'
import { createWasmDevice } from '@tessera-llm/wasm'

const checkpoint = await readGguf(bufferSource(await readFile('model.gguf')))
const subject = subjectOf(checkpoint, { families: [llamaFamily] })
const recipe = parseRecipe({
  calibration: { windows: 4, window: 64 },
  steps: [{ kind: 'quantize', method: 'rtn', format: 'q4_0', importance: true }],
})
console.log(bytesByClass(planRecipe(subject, recipe)))

const device = await createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm] })
const ids = createTokenizerFromGguf(checkpoint.metadata).encode(await readFile('text.txt', 'utf8'), {
  addSpecial: false,
})
const solver = await createSolver()
const applied = await applyRecipe(subject, recipe, { device, solver, calibration: { ids } })
const sink = bufferSink()
await writeGgufModel(applied, subject, checkpoint, sink)
await writeFile('smaller.gguf', sink.bytes())
await solver.dispose()
await device.dispose()
