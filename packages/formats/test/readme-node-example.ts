import { openCheckpoint } from '@tessera-llm/formats/node'

const model = await openCheckpoint('model.gguf') // or .safetensors, or a folder with model.safetensors[.index.json]
const norm = await model.tensors.get('output_norm.weight')?.read()
console.log(model.container, model.tensors.size, norm?.length)
await model.close()
