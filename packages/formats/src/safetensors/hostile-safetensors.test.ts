import { readFile } from 'node:fs/promises'
import { isTesseraError } from '@tessera-llm/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countingSource } from '../../test/counting-source.ts'
import { bufferSource } from '../source/buffer-source.ts'
import { readSafetensors } from './read-safetensors.ts'

/** A file with this text as header, its length field, and `dataBytes` of data. */
function file(header: string, dataBytes: number = 0, length?: bigint): Uint8Array {
  const json = new TextEncoder().encode(header)
  const bytes = new Uint8Array(8 + json.length + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true)
  bytes.set(json, 8)
  return bytes
}

const u8 = (name: string, begin: number, end: number): string =>
  `"${name}":{"dtype":"U8","shape":[${end - begin}],"data_offsets":[${begin},${end}]}`

async function refused(bytes: Uint8Array, message: RegExp, byteOffset: number): Promise<void> {
  const error = await readSafetensors(bufferSource(bytes, 'hostile.safetensors')).catch((cause: unknown) => cause)
  expect(error).toMatchObject({
    code: 'invalid-file',
    message: expect.stringMatching(message) as string,
    details: { byteOffset, file: 'hostile.safetensors' },
  })
}

test('a header length that is wrong is refused', async () => {
  await refused(new Uint8Array(7), /header length.*has 7/, 0)
  await refused(file('{}', 0, 2n ** 63n), /header length.*limit/, 0)
  await refused(file('{}', 0, 1000n), /header length.*truncated/, 0)
})

// § marks the byte that the error must name.
test.for<[string, string, number, RegExp]>([
  ['an empty header', '§', 0, /expected "\{", found the end/],
  ['no object', '§[]', 0, /expected "\{", found "\["/],
  ['no JSON', '{"a":§nonsense}', 0, /expected "\{", found "n"/],
  ['text after the header', '{}§x', 0, /"x" follows the end/],
  ['a name without an end', '{§"a', 0, /without an end/],
  ['a name with a raw line break', '{§"a\n":{}}', 0, /not a valid JSON string/],
  ['a name with a wrong escape', '{§"\\q":{}}', 0, /not a valid JSON string/],
  ['a tensor twice', `{${u8('a', 0, 1)},§${u8('a', 1, 2)}}`, 2, /"a" in header.*twice/],
  ['the same name in other letters', `{${u8('a', 0, 1)},§${u8('\\u0061', 1, 2)}}`, 2, /"a" in header.*twice/],
  ['a dtype twice', '{"a":{"dtype":"U8",§"dtype":"U8"}}', 0, /"dtype" in tensor "a".*twice/],
  ['an unknown dtype', '{"a":{§"dtype":"U9","shape":[0],"data_offsets":[0,0]}}', 0, /dtype of tensor "a".*"U9"/],
  ['no dtype', '{§"a":{"shape":[0],"data_offsets":[0,0]}}', 0, /dtype of tensor "a".*missing/],
  ['no shape', '{§"a":{"dtype":"U8","data_offsets":[0,0]}}', 0, /shape of tensor "a".*missing/],
  ['no offsets', '{§"a":{"dtype":"U8","shape":[0]}}', 0, /data_offsets of tensor "a".*two numbers/],
  ['one offset', '{"a":{"dtype":"U8","shape":[0],§"data_offsets":[0]}}', 0, /data_offsets of tensor "a".*two numbers/],
  [
    'three offsets',
    '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0,§0]}}',
    0,
    /data_offsets of tensor "a".*more than 2/,
  ],
  ['an unknown field', '{"a":{§"type":"U8"}}', 0, /"type" of tensor "a"/],
  ['a negative length', '{"a":{"shape":[§-1]}}', 0, /shape of tensor "a".*found "-"/],
  ['a fraction', '{"a":{"shape":[1§.5]}}', 0, /shape of tensor "a".*found "\."/],
  ['a length beyond 2^53', '{"a":{"shape":[§9007199254740993]}}', 0, /shape of tensor "a".*2\^53/],
  [
    'sizes that overflow',
    '{"a":{"dtype":"U8",§"shape":[4294967296,4294967296],"data_offsets":[0,0]}}',
    0,
    /shape of tensor "a".*too many/,
  ],
  [
    'a hundred axes',
    `{"a":{"shape":[${'1,'.repeat(32)}§${'1,'.repeat(67)}1]}}`,
    0,
    /shape of tensor "a".*more than 32/,
  ],
  ['offsets in reverse', '{"a":{"dtype":"U8","shape":[0],§"data_offsets":[4,0]}}', 4, /ends before it begins/],
  [
    "a size that is not the shape's",
    '{"a":{"dtype":"F32","shape":[2],§"data_offsets":[0,4]}}',
    4,
    /4 bytes, but F32 of shape \[2\] takes 8/,
  ],
  ['data beyond the end', '{"a":{"dtype":"U8","shape":[8],§"data_offsets":[0,8]}}', 4, /data of tensor "a".*truncated/],
  [
    'overlapping data',
    `{${u8('a', 0, 4)},"b":{"dtype":"U8","shape":[4],§"data_offsets":[2,6]}}`,
    8,
    /"b".*overlap tensor "a"/,
  ],
  ['a gap', `{${u8('a', 0, 2)},${u8('b', 4, 6)}}§`, 6, /data.*6 bytes, but the tensors take 4/],
  ['data of no tensor', '{}§', 1, /data.*1 bytes, but the tensors take 0/],
  ['a number as metadata', '{"__metadata__":{"a":§1}}', 0, /"__metadata__" "a".*found "1"/],
])('%s is refused, naming the field and the byte', ([, text, dataBytes, message]) =>
  refused(file(text.replace('§', ''), dataBytes), message, 8 + text.indexOf('§')),
)

test('what looks odd but is allowed is read', async () => {
  const escaped = '"\\u0061\\n":{"dtype":"U8","shape":[],"data_offsets":[0,1]}'
  const empty = '"__proto__":{"dtype":"F32","shape":[0],"data_offsets":[3,3]}'
  const odd = `{ "b" :\n{"shape":[2],"data_offsets":[1,3],"dtype":"U8"} , ${escaped},${empty}}   `
  const checkpoint = await readSafetensors(bufferSource(file(odd, 3)))
  expect([...checkpoint.tensors.keys()]).toEqual(['b', 'a\n', '__proto__'])
})

test('a header of nothing but metadata, tensors or braces is bounded', async () => {
  const repeat = (piece: (i: number) => string, count: number): string =>
    Array.from({ length: count }, (_, i) => piece(i)).join(',')
  const empty = (i: number): string => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`
  for (const [text, message] of [
    [`{"__metadata__":{${repeat((i) => `"${i}":""`, 1_000_001)}}}`, /more than 1000000 keys/],
    [`{${repeat(empty, 262_145)}}`, /more than 262144 tensors/],
    ['{"a":'.repeat(100_000), /"a" of tensor "a" at byte/],
  ] as const) {
    await expect(readSafetensors(bufferSource(file(text)))).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringMatching(message) as string,
    })
  }
  const source = countingSource(file('{}', 0, 99_999_999n), 2 ** 40)
  await expect(readSafetensors(source)).rejects.toMatchObject({ code: 'invalid-file' })
  expect(source.total()).toBeLessThan(100_000_100)
})

describe('a real file, damaged', async () => {
  const real = new Uint8Array(await readFile(new URL('../../test/golden/llama.safetensors', import.meta.url)))
  const headerBytes = 8 + new DataView(real.buffer).getUint32(0, true)

  async function readsOrRefuses(bytes: Uint8Array): Promise<void> {
    try {
      const checkpoint = await readSafetensors(bufferSource(bytes))
      for (const tensor of checkpoint.tensors.values()) expect((await tensor.read()).length).toBe(tensor.byteLength)
    } catch (error) {
      if (!isTesseraError(error, 'invalid-file')) throw error
    }
  }

  test('cut anywhere, it is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.nat(headerBytes), fc.nat(real.length - 1)), async (length) => {
        await expect(readSafetensors(bufferSource(real.subarray(0, length)))).rejects.toMatchObject({
          code: 'invalid-file',
        })
      }),
      { numRuns: 200 },
    )
  })

  test('with bytes of its header overwritten, removed or repeated, it is read or refused', async () => {
    const character = fc.oneof(
      fc.nat(255),
      fc.constantFrom(...Array.from('{}[]",:0123456789\\ ', (c) => c.charCodeAt(0))),
    )
    const change = fc.record({ at: fc.nat(headerBytes - 1), value: character })
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.nat(headerBytes),
        fc.nat(60),
        async (changes, from, length) => {
          const bytes = real.slice()
          for (const { at, value } of changes) bytes[at] = value
          await readsOrRefuses(bytes)
          await readsOrRefuses(Buffer.concat([real.subarray(0, from), real.subarray(from + length)]))
          await readsOrRefuses(Buffer.concat([real.subarray(0, from + length), real.subarray(from)]))
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('a sharded model', () => {
  const shard = file(`{${u8('a', 0, 2)}}`, 2)
  const read = (
    index: string,
    shards: Readonly<Record<string, Uint8Array>> = { 'one.safetensors': shard },
  ): ReturnType<typeof readSafetensors> =>
    readSafetensors({
      index: bufferSource(new TextEncoder().encode(index), 'index.json'),
      open: async (name) => bufferSource(shards[name] ?? new Uint8Array(0), name),
    })

  test('metadata of any form is passed over or kept; nothing else matters', async () => {
    const metadata = '{"total_size":2,"deep":{"a":[1,{"b":null}]},"x":-1.5e3,"yes":true}'
    const checkpoint = await read(`{"metadata":${metadata},"weight_map":{"a":"one.safetensors"},"more":[[]]}`)
    expect({ ...checkpoint.metadata }).toEqual({ total_size: 2, x: -1500, yes: true })
    expect(checkpoint.tensors.get('a')?.byteLength).toBe(2)
  })

  test.for<[string, string, RegExp]>([
    [
      'a path out of the folder',
      '{"weight_map":{"a":"../one.safetensors"}}',
      /"weight_map" "a" at byte 19: "\.\.\/one/,
    ],
    ['an absolute path', '{"weight_map":{"a":"/etc/one.safetensors"}}', /plain name/],
    ['a path of Windows', '{"weight_map":{"a":"C:\\\\one.safetensors"}}', /plain name/],
    ['another kind of file', '{"weight_map":{"a":"one.bin"}}', /plain name/],
    [
      'a tensor that its file lacks',
      '{"weight_map":{"a":"one.safetensors","b":"one.safetensors"}}',
      /"b".*no such tensor/,
    ],
    ['a tensor in two files', '{"weight_map":{"a":"one.safetensors","a":"two.safetensors"}}', /"a".*twice/],
    ['no map', '{"metadata":{}}', /"weight_map".*missing/],
    ['no JSON', 'weights', /expected "\{"/],
    ['endless nesting', `{"x":${'['.repeat(100_000)}`, /nested deeper than 32/],
    ['a file that is empty', '{"weight_map":{"a":"none.safetensors"}}', /none\.safetensors: header length/],
  ])('%s is refused', async ([, index, message]) => {
    await expect(read(index)).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringMatching(message) as string,
    })
  })
})
