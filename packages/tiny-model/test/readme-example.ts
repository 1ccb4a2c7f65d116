import { readFile } from 'node:fs/promises'
import { tinyModel } from '@tessera-llm/tiny-model'

const gguf = await readFile(tinyModel.ggufUrl)
console.log(`${tinyModel.name}: ${gguf.length} bytes, ${tinyModel.parameters} parameters`)
