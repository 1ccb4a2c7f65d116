// Contents of a GGUF file, from its header only: node dist/list-tensors.js MODEL.gguf
import { fileURLToPath } from 'node:url'
import { readGguf } from '@tessera-llm/formats'
import { fileSource } from '@tessera-llm/formats/node'
import { tinyModel } from '@tessera-llm/tiny-model'

const path = process.argv[2] ?? fileURLToPath(tinyModel.ggufUrl)
const checkpoint = await readGguf(await fileSource(path))
console.log(
  `${checkpoint.metadata['general.architecture']}, ${checkpoint.tensors.size} tensors, ${checkpoint.byteLength} bytes`,
)
for (const { name, shape, format, byteLength } of checkpoint.tensors.values()) {
  console.log(
    `${name.padEnd(28)} ${format.padEnd(6)} ${`[${shape.join(', ')}]`.padEnd(14)} ${String(byteLength).padStart(10)}`,
  )
}
await checkpoint.close()
