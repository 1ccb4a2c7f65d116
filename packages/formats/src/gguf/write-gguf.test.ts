import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TensorData } from '../checkpoint/tensor-data.ts'
import { bufferSink } from '../sink/buffer-sink.ts'
import { bufferSource } from '../source/buffer-source.ts'
import { storageFormat, storageFormats, storedBytes } from '../storage/storage-format.ts'
import type { GgufArray, GgufScalarType, GgufValue } from './metadata.ts'
import { readGguf } from './read-gguf.ts'
import { ggufByteLength, writeGguf } from './write-gguf.ts'
import type { GgufContent } from './write-gguf.ts'

async function written(content: GgufContent): Promise<Uint8Array<ArrayBuffer>> {
  const sink = bufferSink()
  await writeGguf(content, sink)
  return sink.bytes()
}

test('a file of llama.cpp that is read and written again is the same file, byte for byte', async () => {
  const bytes = new Uint8Array(await readFile(new URL('../../test/golden/llama.gguf', import.meta.url)))
  const checkpoint = await readGguf(bufferSource(bytes))
  const copy = await written({ metadata: checkpoint.typedMetadata, tensors: [...checkpoint.tensors.values()] })
  expect(createHash('sha256').update(copy).digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'))
})

const integer = (min: bigint, max: bigint): fc.Arbitrary<number | bigint> =>
  fc.bigInt({ min, max }).map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value))
const scalars: Readonly<Record<GgufScalarType, fc.Arbitrary<number | bigint | boolean | string>>> = {
  u8: integer(0n, 255n),
  i8: integer(-128n, 127n),
  u16: integer(0n, 65_535n),
  i16: integer(-32_768n, 32_767n),
  u32: integer(0n, 2n ** 32n - 1n),
  i32: integer(-(2n ** 31n), 2n ** 31n - 1n),
  u64: integer(0n, 2n ** 64n - 1n),
  i64: integer(-(2n ** 63n), 2n ** 63n - 1n),
  f32: fc.float(),
  f64: fc.double(),
  bool: fc.boolean(),
  string: fc.string({ unit: 'grapheme' }),
}
const scalarType = fc.constantFrom(...(Object.keys(scalars) as GgufScalarType[]))
const flatArray: fc.Arbitrary<GgufArray> = scalarType.chain((items) =>
  fc.array(scalars[items]).map((value): GgufArray => ({ type: 'array', items, value })),
)
const nestedArray: fc.Arbitrary<GgufArray> = fc
  .array(flatArray, { maxLength: 3 })
  .map((value) => ({ type: 'array', items: 'array', value }))
const value: fc.Arbitrary<GgufValue> = fc.oneof(
  scalarType.chain((type) => scalars[type].map((scalar) => ({ type, value: scalar }) as GgufValue)),
  flatArray,
  nestedArray,
)
const ggufFormats = storageFormats.filter(({ ggufType }) => ggufType !== undefined)
const tensor: fc.Arbitrary<TensorData> = fc
  .record({
    name: fc.string({ minLength: 1 }),
    format: fc.constantFrom(...ggufFormats),
    outer: fc.array(fc.nat(3), { maxLength: 3 }),
    blocks: fc.nat(3),
  })
  .map(({ name, format, outer, blocks }) => {
    const shape = [...outer, blocks * format.blockElements]
    const size = storedBytes(format, shape) as number
    return { name, format: format.id, shape, bytes: Uint8Array.from({ length: size }, (_, i) => i * 31 + size) }
  })

test('whatever is written is read back: every metadata type, nested arrays, every ggml type, every alignment', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(fc.string({ minLength: 1 }), value), { selector: ([key]) => key, maxLength: 8 }),
      fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6 }),
      fc.constantFrom(1, 8, 32, 4096),
      async (entries, tensors, alignment) => {
        const metadata = new Map<string, GgufValue>(entries).set('general.alignment', { type: 'u32', value: alignment })
        const bytes = await written({ metadata, tensors })
        expect(ggufByteLength({ metadata, tensors })).toBe(bytes.length)
        const checkpoint = await readGguf(bufferSource(bytes))
        expect(checkpoint.typedMetadata).toEqual(metadata)
        expect([...checkpoint.tensors.keys()]).toEqual(tensors.map(({ name }) => name))
        for (const expected of tensors) {
          const actual = checkpoint.tensors.get(expected.name)
          expect(actual).toMatchObject({ name: expected.name, shape: expected.shape, format: expected.format })
          if ('bytes' in expected) expect(await actual?.read()).toEqual(expected.bytes)
        }
      },
    ),
    { numRuns: 150 },
  )
})

test('the keys of JavaScript objects are keys like any other', async () => {
  const metadata = new Map<string, GgufValue>([
    ['__proto__', { type: 'u8', value: 1 }],
    ['constructor', { type: 'u8', value: 2 }],
  ])
  const checkpoint = await readGguf(bufferSource(await written({ metadata, tensors: [] })))
  expect(Object.keys(checkpoint.metadata)).toEqual(['__proto__', 'constructor'])
  expect(checkpoint.metadata['toString']).toBeUndefined()
})

test.for<[string, Partial<GgufContent>, string, RegExp]>([
  ['equal names', { tensors: [zeros('a', 4), zeros('a', 4)] }, 'invalid-value', /two tensors are called "a"/],
  [
    'too few bytes',
    { tensors: [{ name: 'a', shape: [2], format: 'f32', bytes: new Uint8Array(7) }] },
    'invalid-value',
    /gave 7 bytes.* needs 8/,
  ],
  [
    'broken blocks',
    { tensors: [{ name: 'a', shape: [2, 33], format: 'q4_0', bytes: new Uint8Array(36) }] },
    'invalid-shape',
    /whole blocks of 32/,
  ],
  [
    'a format that GGUF lacks',
    { tensors: [{ name: 'a', shape: [1], format: 'u16', bytes: new Uint8Array(2) }] },
    'unsupported',
    /no type/,
  ],
  [
    'an unknown format',
    { tensors: [{ name: 'a', shape: [1], format: 'q9', bytes: new Uint8Array(2) }] },
    'unsupported',
    /"q9"/,
  ],
  [
    'five axes',
    { tensors: [{ name: 'a', shape: [1, 1, 1, 1, 1], format: 'i8', bytes: new Uint8Array(1) }] },
    'invalid-shape',
    /5 axes/,
  ],
  [
    'a number outside its type',
    { metadata: new Map([['k', { type: 'u8', value: 256 }]]) },
    'invalid-value',
    /"k" holds 256, which is no u8/,
  ],
  ['a fraction as integer', { metadata: new Map([['k', { type: 'i32', value: 0.5 }]]) }, 'invalid-value', /no i32/],
  [
    'half a surrogate pair',
    { metadata: new Map([['k', { type: 'string', value: '\ud800' }]]) },
    'invalid-value',
    /well-formed/,
  ],
  [
    'an odd alignment',
    { metadata: new Map([['general.alignment', { type: 'u32', value: 24 }]]) },
    'invalid-value',
    /power of two/,
  ],
])('%s cannot be written, and nothing is left behind', async ([, content, code, message]) => {
  const sink = bufferSink()
  const written = writeGguf({ metadata: new Map(), tensors: [], ...content }, sink)
  await expect(written).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string })
  expect(() => sink.bytes()).toThrow('not finished')
})

function zeros(name: string, count: number): TensorData {
  return { name, shape: [count], format: 'f32', bytes: new Uint8Array(count * storageFormat('f32').blockBytes) }
}

test('data come from functions in order, progress counts them, and an abort ends the writing', async () => {
  const order: string[] = []
  const lazy = (name: string): TensorData => ({
    name,
    shape: [8],
    format: 'f32',
    bytes: () => {
      order.push(name)
      return new Uint8Array(32)
    },
  })
  const progress: number[] = []
  await writeGguf({ metadata: new Map(), tensors: [lazy('a'), lazy('b')] }, bufferSink(), {
    onProgress: (done, total) => progress.push(done / total),
  })
  expect(order).toEqual(['a', 'b'])
  expect(progress).toEqual([0.5, 1])
  const aborted = writeGguf({ metadata: new Map(), tensors: [lazy('c')] }, bufferSink(), {
    signal: AbortSignal.abort(),
  })
  await expect(aborted).rejects.toMatchObject({ code: 'aborted' })
})
