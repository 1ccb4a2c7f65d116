import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TensorData } from '../checkpoint/tensor-data.ts'
import { bufferSink } from '../sink/buffer-sink.ts'
import { bufferSource } from '../source/buffer-source.ts'
import { storageFormats, storedBytes } from '../storage/storage-format.ts'
import { readSafetensors } from './read-safetensors.ts'
import type { SafetensorsContent } from './write-safetensors.ts'
import { writeSafetensors, writeSafetensorsShards } from './write-safetensors.ts'

async function written(content: SafetensorsContent): Promise<Uint8Array> {
  const sink = bufferSink()
  await writeSafetensors(content, sink)
  return sink.bytes()
}

const golden = new URL('../../test/golden/llama.safetensors', import.meta.url)

test('a file of the reference implementation that is read and written again is the same file, byte for byte', async () => {
  const bytes = new Uint8Array(await readFile(golden))
  const checkpoint = await readSafetensors(bufferSource(bytes))
  const copy = await written({ metadata: { format: 'pt' }, tensors: [...checkpoint.tensors.values()] })
  expect(Buffer.from(copy).equals(bytes)).toBe(true)
})

const formats = storageFormats.filter(({ safetensorsDtype }) => safetensorsDtype !== undefined)
const tensor: fc.Arbitrary<TensorData> = fc
  .record({
    name: fc.string({ unit: 'grapheme', minLength: 1 }),
    format: fc.constantFrom(...formats),
    shape: fc.array(fc.nat(4), { maxLength: 5 }),
  })
  .map(({ name, format, shape }) => {
    const whole = [...shape, format.blockElements]
    const size = storedBytes(format, whole) as number
    return { name, format: format.id, shape: whole, bytes: Uint8Array.from({ length: size }, (_, i) => i * 31 + size) }
  })
const tensors = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 8 })

test('whatever is written is read back: every dtype, any name, any metadata', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })),
      tensors,
      async (metadata, content) => {
        const checkpoint = await readSafetensors(bufferSource(await written({ metadata, tensors: content })))
        expect({ ...checkpoint.metadata }).toEqual({ ...metadata })
        expect([...checkpoint.tensors.keys()].sort()).toEqual(content.map(({ name }) => name).sort())
        for (const expected of content) {
          const actual = checkpoint.tensors.get(expected.name)
          expect(actual).toMatchObject({ shape: expected.shape, format: expected.format })
          if ('bytes' in expected) expect(await actual?.read()).toEqual(expected.bytes)
        }
      },
    ),
    { numRuns: 100 },
  )
})

test('shards hold every tensor once and stay below the limit; the index finds them again', async () => {
  await fc.assert(
    fc.asyncProperty(tensors, fc.integer({ min: 1, max: 2000 }), async (content, maxShardBytes) => {
      fc.pre(content.length > 0)
      const sinks = new Map<string, ReturnType<typeof bufferSink>>()
      const files = await writeSafetensorsShards({ tensors: content, maxShardBytes }, async (file) => {
        const sink = bufferSink()
        sinks.set(file, sink)
        return sink
      })
      expect(files).toEqual([...sinks.keys()])
      const open = async (file: string): Promise<ReturnType<typeof bufferSource>> =>
        bufferSource(sinks.get(file)?.bytes() ?? new Uint8Array(0), file)
      const checkpoint = await readSafetensors({ index: await open('model.safetensors.index.json'), open })
      expect([...checkpoint.tensors.keys()].sort()).toEqual(content.map(({ name }) => name).sort())
      for (const expected of content)
        if ('bytes' in expected) expect(await checkpoint.tensors.get(expected.name)?.read()).toEqual(expected.bytes)
      let total = 0
      for (const { byteLength } of checkpoint.tensors.values()) total += byteLength
      expect(checkpoint.metadata['total_size']).toBe(total)
    }),
    { numRuns: 50 },
  )
})

test.for<[string, SafetensorsContent, string, RegExp]>([
  [
    'ggml blocks',
    { tensors: [{ name: 'a', shape: [32], format: 'q4_0', bytes: new Uint8Array(18) }] },
    'unsupported',
    /no dtype/,
  ],
  [
    'a tensor called __metadata__',
    { tensors: [{ name: '__metadata__', shape: [1], format: 'u8', bytes: new Uint8Array(1) }] },
    'invalid-value',
    /no name/,
  ],
  [
    'too many bytes',
    { tensors: [{ name: 'a', shape: [1], format: 'u8', bytes: new Uint8Array(2) }] },
    'invalid-value',
    /gave 2 bytes/,
  ],
])('%s cannot be written', async ([, content, code, message]) => {
  await expect(written(content)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string })
})
