import { bufferSink, bufferSource, readGguf, writeGguf } from '@tessera-llm/formats'

const sink = bufferSink()
await writeGguf(
  {
    metadata: new Map([['general.architecture', { type: 'string', value: 'example' }]]),
    tensors: [
      { name: 'weight', shape: [2, 3], format: 'f32', bytes: new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer) },
    ],
  },
  sink,
)

const model = await readGguf(bufferSource(sink.bytes()))
console.log(model.metadata['general.architecture'])
for (const tensor of model.tensors.values()) {
  const row = await tensor.read(12, 12) // the second row: bytes 12 to 24
  console.log(tensor.name, tensor.shape, tensor.format, new Float32Array(row.slice().buffer))
}
