import { describe, expect, test } from 'vitest'
import { countingSource } from '../../test/counting-source.ts'
import type { RawGguf } from '../../test/gguf-bytes.ts'
import { ggufBytes } from '../../test/gguf-bytes.ts'
import type { ByteWriter } from '../sink/byte-writer.ts'
import { bufferSource } from '../source/buffer-source.ts'
import { readGguf } from './read-gguf.ts'

type Entry = (file: ByteWriter) => void
const entry =
  (key: string, type: number, value: Entry): Entry =>
  (file) => {
    file.string(key)
    file.u32(type)
    value(file)
  }
const array =
  (items: number, length: number | bigint, value: Entry = () => undefined): Entry =>
  (file) => {
    file.u32(items)
    file.u64(length)
    value(file)
  }
/** A key that announces its length, then has 24 arbitrary bytes. */
const keyOf =
  (length: number | bigint): Entry =>
  (file) => {
    file.u64(length)
    file.raw(new Uint8Array(24))
  }
/** Arrays of one array, `depth` deep. */
const nested =
  (depth: number): Entry =>
  (file) => {
    if (depth === 0) array(0, 0)(file)
    else array(9, 1, nested(depth - 1))(file)
  }

// Byte offsets: counts at 8 and 16, the first entry or tensor at 24; a tensor "a" has its axis count at 33, one axis at
// 37, its type at 45, its offset at 49.
test.for<[string, RawGguf, string, RegExp, number | undefined]>([
  ['another magic', { magic: 'GGML' }, 'invalid-file', /magic .* is not "GGUF"/, 0],
  ['version 1', { version: 1 }, 'unsupported', /version 1/, undefined],
  ['a later version', { version: 4 }, 'unsupported', /version 4/, undefined],
  ['version 0', { version: 0 }, 'unsupported', /version 0/, undefined],
  ['the other byte order', { version: 0x0300_0000 }, 'unsupported', /big-endian/, undefined],
  ['more tensors than any model', { tensorCount: 2n ** 63n }, 'invalid-file', /tensor count .* limit/, 8],
  ['more tensors than bytes', { tensorCount: 1000 }, 'invalid-file', /tensor count.*truncated/, 8],
  ['more entries than any model', { entryCount: 2n ** 64n - 1n }, 'invalid-file', /metadata count/, 16],
  ['an endless key', { entries: [keyOf(2n ** 40n)] }, 'invalid-file', /length of metadata key 0/, 24],
  ['a key beyond the end', { entries: [keyOf(60_000)] }, 'invalid-file', /metadata key 0 .*truncated/, 32],
  ['an empty key', { entries: [entry('', 0, (file) => file.u8(0))] }, 'invalid-file', /metadata key 0.*empty/, 24],
  [
    'a key twice',
    { entries: [entry('k', 0, (file) => file.u8(0)), entry('k', 0, (file) => file.u8(0))] },
    'invalid-file',
    /"k".*twice/,
    38,
  ],
  [
    'a string that is no UTF-8 after very many that are',
    {
      entries: [
        (file) => {
          file.string('a')
          file.u32(9)
          file.u32(8)
          file.u64(200_001)
          for (let i = 0; i < 200_000; i++) file.u64(0)
          file.u64(1)
          file.raw(Uint8Array.of(0xff))
        },
      ],
    },
    'invalid-file',
    /"a"\[200000\].*UTF-8/,
    1_600_057,
  ],
  [
    'two strings that are UTF-8 only together',
    {
      entries: [
        (file) => {
          file.string('a')
          file.u32(9)
          file.u32(8)
          file.u64(2)
          file.u64(1)
          file.raw(Uint8Array.of(0xc3))
          file.u64(1)
          file.raw(Uint8Array.of(0xa9))
        },
      ],
    },
    'invalid-file',
    /"a"\[0\].*UTF-8/,
    57,
  ],
  [
    'a key that is no UTF-8',
    {
      entries: [
        (file) => {
          file.u64(2)
          file.raw(Uint8Array.of(0xc3, 0x28))
        },
      ],
    },
    'invalid-file',
    /UTF-8/,
    32,
  ],
  [
    'an unknown metadata type',
    { entries: [entry('k', 13, () => undefined)] },
    'invalid-file',
    /type of metadata "k".*13/,
    33,
  ],
  ['a boolean of 2', { entries: [entry('k', 7, (file) => file.u8(2))] }, 'invalid-file', /"k".*boolean/, 37],
  [
    'an endless string',
    { entries: [entry('k', 8, (file) => file.u64(2n ** 63n))] },
    'invalid-file',
    /length of metadata "k"/,
    37,
  ],
  [
    'an unknown element type',
    { entries: [entry('k', 9, array(99, 1))] },
    'invalid-file',
    /element type of metadata "k"/,
    37,
  ],
  ['an endless array', { entries: [entry('k', 9, array(0, 2n ** 62n))] }, 'invalid-file', /length of metadata "k"/, 41],
  [
    'an array beyond the end',
    { entries: [entry('k', 9, array(10, 1_000_000))] },
    'invalid-file',
    /length of metadata "k".*truncated/,
    41,
  ],
  ['arrays in arrays in arrays', { entries: [entry('k', 9, nested(40))] }, 'invalid-file', /nested deeper/, 85],
  [
    'an odd alignment',
    { entries: [entry('general.alignment', 4, (file) => file.u32(24))] },
    'invalid-file',
    /"general\.alignment"/,
    undefined,
  ],
  [
    'no alignment',
    { entries: [entry('general.alignment', 4, (file) => file.u32(0))] },
    'invalid-file',
    /"general\.alignment"/,
    undefined,
  ],
  [
    'text as alignment',
    { entries: [entry('general.alignment', 8, (file) => file.string('32'))] },
    'invalid-file',
    /"general\.alignment"/,
    undefined,
  ],
  ['a tensor without a name', { tensors: [{ name: '' }] }, 'invalid-file', /name of tensor 0.*empty/, 24],
  [
    'a name of a kilobyte and more',
    { tensors: [{ name: 'a'.repeat(1025) }] },
    'invalid-file',
    /length of name of tensor 0/,
    24,
  ],
  ['a tensor twice', { tensors: [{}, { offset: 32 }], dataBytes: 64 }, 'invalid-file', /"a".*twice/, 57],
  ['a million axes', { tensors: [{ axisCount: 1_000_000 }] }, 'invalid-file', /axis count of tensor "a"/, 33],
  ['an axis beyond 2^53', { tensors: [{ axes: [2n ** 60n] }] }, 'invalid-file', /axis 0 of tensor "a"/, 37],
  [
    'sizes that overflow',
    { tensors: [{ axes: [2 ** 40, 2 ** 40] }] },
    'invalid-file',
    /shape of tensor "a".*too many/,
    33,
  ],
  [
    'sizes that overflow 64 bits to 0',
    { tensors: [{ axes: [2 ** 32, 2 ** 32] }] },
    'invalid-file',
    /shape of tensor "a".*too many/,
    33,
  ],
  [
    'an overflow hidden by an empty axis',
    { tensors: [{ axes: [2 ** 40, 2 ** 40, 0] }] },
    'invalid-file',
    /too many/,
    33,
  ],
  ['an unknown type', { tensors: [{ type: 200 }] }, 'invalid-file', /type of tensor "a".*200/, 45],
  ['a type that was removed', { tensors: [{ type: 31 }] }, 'invalid-file', /type of tensor "a".*any more/, 45],
  ['half a block', { tensors: [{ axes: [48], type: 2 }] }, 'invalid-file', /shape of tensor "a".*blocks of 32/, 33],
  ['an offset beyond 2^53', { tensors: [{ offset: 2n ** 64n - 32n }] }, 'invalid-file', /offset of tensor "a"/, 49],
  ['an offset beyond the end', { tensors: [{ offset: 2 ** 40 }] }, 'invalid-file', /tensor "a".*beyond the end/, 49],
  [
    'an offset whose sum is no longer exact',
    { tensors: [{ axes: [2 ** 50], offset: 2 ** 53 - 32 }] },
    'invalid-file',
    /tensor "a".*beyond the end/,
    49,
  ],
  [
    'a misaligned offset',
    { tensors: [{ offset: 4 }], dataBytes: 64 },
    'invalid-file',
    /offset of tensor "a".*alignment 32/,
    49,
  ],
  ['data that end early', { tensors: [{}], dataBytes: 31 }, 'invalid-file', /tensor "a".*truncated/, 49],
  [
    'tensors that overlap',
    { tensors: [{ axes: [16] }, { name: 'b', offset: 32 }], dataBytes: 64 },
    'invalid-file',
    /"b".*overlap tensor "a"/,
    82,
  ],
  [
    'tensors at the same place',
    { tensors: [{}, { name: 'b' }], dataBytes: 64 },
    'invalid-file',
    /"b".*overlap tensor "a"/,
    82,
  ],
])('%s is refused, naming the field and the byte', async ([, raw, code, message, byteOffset]) => {
  const error = await readGguf(bufferSource(ggufBytes(raw), 'hostile.gguf')).catch((cause: unknown) => cause)
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string })
  expect((error as Error).message).toContain('hostile.gguf')
  if (byteOffset !== undefined) expect(error).toMatchObject({ details: { byteOffset, file: 'hostile.gguf' } })
})

test('what looks odd but is allowed is read', async () => {
  const tensors = [
    { name: 'scalar', axes: [] },
    { name: 'empty', axes: [0], offset: 32 },
    { name: 'later', axes: [4], offset: 96 },
    { name: 'earlier', axes: [4], offset: 64 },
  ]
  const checkpoint = await readGguf(bufferSource(ggufBytes({ version: 2, tensors, dataBytes: 128 })))
  expect([...checkpoint.tensors.values()].map(({ shape, byteLength }) => [shape, byteLength])).toEqual([
    [[], 4],
    [[0], 0],
    [[4], 16],
    [[4], 16],
  ])
})

describe('bounded work', () => {
  // 2^50 bytes of zeros follow each header: nothing but the limits stops the reader.
  const endless = 2 ** 50
  const filled =
    (length: number): Entry =>
    (file) => {
      array(0, length)(file)
      file.raw(new Uint8Array(length))
    }
  test.for<[string, RawGguf]>([
    ['metadata', { entryCount: 65_536 }],
    ['tensors', { tensorCount: 262_144 }],
    ['an array of bytes', { entries: [entry('k', 9, array(0, 2 ** 40))] }],
    ['an array of empty arrays', { entries: [entry('k', 9, array(9, 4_000_000))], entryCount: 2 }],
    ['a string', { entries: [entry('k', 8, (file) => file.u64(2 ** 45))] }],
    [
      'many arrays',
      { entries: Array.from({ length: 5 }, (_, i) => entry(`k${i}`, 9, filled(1_000_000))), entryCount: 6 },
    ],
  ])('%s without end', async ([, raw]) => {
    const source = countingSource(ggufBytes(raw), endless)
    await expect(readGguf(source)).rejects.toMatchObject({ code: 'invalid-file' })
    expect(source.total()).toBeLessThan(140 * 1024 * 1024)
    expect(source.longest()).toBeLessThanOrEqual(16 * 1024 * 1024)
  })

  test('a tighter limit holds', async () => {
    const file = ggufBytes({ entries: [entry('k', 9, filled(100_000))] })
    await expect(readGguf(bufferSource(file), { limits: { headerBytes: 80_000 } })).rejects.toThrow('limit')
    await expect(readGguf(bufferSource(file), { limits: { arrayElements: 99_999 } })).rejects.toThrow('limit of 99999')
    await expect(readGguf(bufferSource(file))).resolves.toBeDefined()
  })
})
