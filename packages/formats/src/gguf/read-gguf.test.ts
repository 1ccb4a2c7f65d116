import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { bufferSink } from '../sink/buffer-sink.ts'
import { bufferSource } from '../source/buffer-source.ts'
import { fileSource } from '../source/file-source.ts'
import { readGguf } from './read-gguf.ts'
import { writeGguf } from './write-gguf.ts'

const llama = new URL('../../test/golden/llama.gguf', import.meta.url)

test('a model of llama.cpp: metadata, row-major shapes, formats and data', async () => {
  const bytes = new Uint8Array(await readFile(llama))
  const checkpoint = await readGguf(bufferSource(bytes, 'llama.gguf'))
  expect(checkpoint.version).toBe(3)
  expect(checkpoint.metadata['general.architecture']).toBe('llama')
  const embedding = checkpoint.tensors.get('token_embd.weight')
  expect(embedding?.shape).toEqual([
    checkpoint.metadata['llama.vocab_size'],
    checkpoint.metadata['llama.embedding_length'],
  ])
  expect((await embedding?.read())?.length).toBe(embedding?.byteLength)
})

test('the file source gives the same bytes as the buffer', async () => {
  const fromBuffer = await readGguf(bufferSource(new Uint8Array(await readFile(llama))))
  const fromFile = await readGguf(await fileSource(fileURLToPath(llama)))
  expect(fromFile.metadata).toEqual(fromBuffer.metadata)
  for (const [name, tensor] of fromFile.tensors)
    expect(await tensor.read(4, 8)).toEqual(await fromBuffer.tensors.get(name)?.read(4, 8))
  await fromFile.close()
})

test('strings of every length and alphabet, whatever the pieces in which a file is read', async () => {
  const letters = ['a', 'é', 'Ġ', '日', '😀', '\0', '\ufeff']
  const strings = Array.from({ length: 9000 }, (_, index) =>
    (letters[index % 7] as string).repeat(index % 7 === 4 ? index % 40 : index % 150),
  )
  const sink = bufferSink()
  await writeGguf(
    {
      metadata: new Map([
        ['strings', { type: 'array', items: 'string', value: strings }],
        ['numbers', { type: 'array', items: 'i32', value: strings.map((_, index) => -index) }],
      ]),
      tensors: [],
    },
    sink,
  )
  const { metadata } = await readGguf(bufferSource(sink.bytes()))
  expect(metadata['strings']).toEqual(strings)
  expect(metadata['numbers']).toEqual(strings.map((_, index) => 0 - index))
})
