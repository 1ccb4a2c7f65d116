import { createReferenceDevice, type DType, type Shape, type Tensor } from '@tessera-llm/tensor'
import { compare, normal, upload, values, valuesOf } from '@tessera-llm/testing'
import { expect, test } from 'vitest'
import { alibiSlopes, attention, type AttentionCall, attentionOp } from '../src/index.ts'

const device = createReferenceDevice()
const tensor = (shape: Shape, dtype: DType = 'f32'): Tensor => upload(device, normal(shape, { dtype }))
const q = tensor([2, 4, 3, 8])
const k = tensor([2, 2, 5, 8])
const v = tensor([2, 2, 5, 6])
const packed = { q: tensor([1, 4, 3, 8]), k: tensor([1, 2, 5, 8]), v: tensor([1, 2, 5, 6]) }

test.for<
  [
    string,
    { readonly q?: Tensor; readonly k?: Tensor; readonly v?: Tensor; readonly call?: AttentionCall },
    string,
    RegExp,
  ]
>([
  ['q of three axes', { q: tensor([4, 3, 8]) }, 'invalid-shape', /q must have four axes, not \[4, 3, 8\]/],
  ['q in f16', { q: tensor([2, 4, 3, 8], 'f16') }, 'invalid-dtype', /q must be f32, not f16/],
  ['k in bf16', { k: tensor([2, 2, 5, 8], 'bf16') }, 'invalid-dtype', /k must be f32 or f16, not bf16/],
  ['another batch size', { v: tensor([1, 2, 5, 6]) }, 'invalid-shape', /one batch size/],
  [
    'another key head size',
    { k: tensor([2, 2, 5, 6]) },
    'invalid-shape',
    /head size of k \(6\) must be that of q \(8\)/,
  ],
  ['other value heads', { v: tensor([2, 1, 5, 6]) }, 'invalid-shape', /same heads and length/],
  ['other value length', { v: tensor([2, 2, 4, 6]) }, 'invalid-shape', /same heads and length/],
  [
    'heads that do not divide',
    { q: tensor([2, 3, 3, 8]) },
    'invalid-shape',
    /numHeads \(3\) must be a multiple of numKvHeads \(2\)/,
  ],
  ['no head size', { q: tensor([2, 4, 3, 0]), k: tensor([2, 2, 5, 0]) }, 'invalid-shape', /at least 1/],
  [
    'a layout that is none',
    { call: { layout: 'lbhd' as 'blhd' } },
    'invalid-option',
    /layout must be bhld or blhd, not lbhd/,
  ],
  ['a layout that does not fit', { call: { layout: 'blhd' } }, 'invalid-shape', /numHeads \(3\)/],
  [
    'a window below 0',
    { call: { windowLeft: -1 } },
    'invalid-option',
    /windowLeft must be an integer from 0 to .*, not -1/,
  ],
  ['a window of a fraction', { call: { windowRight: 1.5 } }, 'invalid-option', /windowRight must be an integer/],
  [
    'keys to the right of a causal row',
    { call: { isCausal: true, windowRight: 2 } },
    'invalid-option',
    /windowRight \(2\) contradicts isCausal/,
  ],
  ['a softcap of 0', { call: { softcap: 0 } }, 'invalid-option', /softcap must be positive and finite, not 0/],
  [
    'an infinite softcap',
    { call: { softcap: Number.POSITIVE_INFINITY } },
    'invalid-option',
    /softcap must be positive and finite/,
  ],
  ['a scale that is NaN', { call: { scale: Number.NaN } }, 'invalid-option', /scale must be finite, not NaN/],
  [
    'lengths for another batch',
    { call: { kvLengths: tensor([1], 'i32') } },
    'invalid-shape',
    /kvLengths must be \[2\], not \[1\]/,
  ],
  ['lengths in f32', { call: { kvLengths: tensor([2]) } }, 'invalid-dtype', /kvLengths must be i32, not f32/],
  ['a sink for each KV head', { call: { sinks: tensor([2]) } }, 'invalid-shape', /sinks must be \[4\]/],
  ['slopes in f16', { call: { alibiSlopes: tensor([4], 'f16') } }, 'invalid-dtype', /alibiSlopes must be f32/],
  [
    'a mask of other heads',
    { call: { mask: tensor([2, 2, 3, 5], 'u8') } },
    'invalid-shape',
    /mask must be \[2, 4, 3, 5\], or with 1 for axes before the last, not \[2, 2, 3, 5\]/,
  ],
  [
    'a mask that is broadcast over keys',
    { call: { mask: tensor([2, 4, 3, 1], 'u8') } },
    'invalid-shape',
    /mask must be/,
  ],
  ['a boolean bias', { call: { bias: tensor([2, 4, 3, 5], 'u8') } }, 'invalid-dtype', /bias must be f32, not u8/],
  [
    'packed keys without packed queries',
    { call: { cuSeqLensKv: tensor([3], 'i32') } },
    'invalid-option',
    /cuSeqLensKv needs cuSeqLens/,
  ],
  [
    'a packed batch of two',
    { call: { cuSeqLens: tensor([3], 'i32'), cuSeqLensKv: tensor([3], 'i32') } },
    'invalid-shape',
    /lie in one batch row, not in 2/,
  ],
  [
    'packed sequences with lengths',
    {
      ...packed,
      call: { cuSeqLens: tensor([3], 'i32'), cuSeqLensKv: tensor([3], 'i32'), kvLengths: tensor([1], 'i32') },
    },
    'invalid-option',
    /cuSeqLens and kvLengths contradict/,
  ],
  [
    'packed keys of unknown place',
    { ...packed, call: { cuSeqLens: tensor([3], 'i32') } },
    'invalid-shape',
    /without cuSeqLensKv, packed sequences have as many keys as queries/,
  ],
  [
    'other numbers of sequences',
    { ...packed, call: { cuSeqLens: tensor([3], 'i32'), cuSeqLensKv: tensor([4], 'i32') } },
    'invalid-shape',
    /cuSeqLensKv must be \[3\], not \[4\]/,
  ],
  [
    'a block table for another batch',
    { call: { blockTable: tensor([1, 3], 'i32'), kvLengths: tensor([2], 'i32'), kvLayout: 'bhld' } },
    'invalid-shape',
    /blockTable must be i32 \[2, P\] for P ≥ 1 pages, not i32 \[1, 3\]/,
  ],
  [
    'a block table without lengths',
    { call: { blockTable: tensor([2, 3], 'i32') } },
    'invalid-option',
    /with a blockTable kvLengths says how many keys there are/,
  ],
  [
    'a block table over keys of the other layout',
    { call: { blockTable: tensor([2, 3], 'i32'), kvLengths: tensor([2], 'i32'), kvLayout: 'blhd' } },
    'invalid-option',
    /k and v are pages \[N, Hkv, R, D\]; set kvLayout to bhld/,
  ],
  [
    'a block table with a mask',
    { call: { blockTable: tensor([2, 3], 'i32'), kvLengths: tensor([2], 'i32'), mask: tensor([1, 1, 1, 15], 'u8') } },
    'invalid-option',
    /not bounded by a shape, which bias and mask need/,
  ],
  [
    'no sequence',
    { ...packed, call: { cuSeqLens: tensor([1], 'i32'), cuSeqLensKv: tensor([1], 'i32') } },
    'invalid-shape',
    /N ≥ 1 sequences, not i32 \[1\]/,
  ],
])('refuses %s', ([, given, code, message]) => {
  expect(() => attention(given.q ?? q, given.k ?? k, given.v ?? v, given.call ?? {})).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  )
})

const equal = { atol: 1e-12, rtol: 1e-12, nmse: 1e-20 }
const agree = async (a: Tensor, b: Tensor): Promise<void> => {
  const comparison = compare(await valuesOf(a), await valuesOf(b), equal)
  expect(comparison.pass, comparison.message).toBe(true)
}

test('without returnLse there is no lse', () => {
  expect(Object.keys(attention(q, k, v, { returnLse: false }))).toEqual(['o'])
  expect(attention(q, k, v).lse.shape).toEqual([2, 4, 3])
})

test('a bias of 0 and -1e38 or less is a mask', async () => {
  const shown = Uint8Array.of(1, 0, 1, 1, 0, 0, 0, 1, 0, 1)
  const byMask = attention(q, k, v, { mask: device.tensor(shown, [2, 1, 1, 5]) })
  for (const hidden of [-1e38, -3.4028234663852886e38, Number.NEGATIVE_INFINITY]) {
    const byBias = attention(q, k, v, {
      bias: upload(
        device,
        values(
          [2, 1, 1, 5],
          Float64Array.from(shown, (one) => (one ? 0 : hidden)),
        ),
      ),
    })
    await agree(byBias.o, byMask.o)
    await agree(byBias.lse, byMask.lse)
  }
})

test('ALiBi is a bias', async () => {
  const slopes = alibiSlopes(4)
  const distances = Float64Array.from(
    { length: 4 * 3 * 5 },
    (_, i) => -(slopes[Math.floor(i / 15)] as number) * Math.abs(2 + (Math.floor(i / 5) % 3) - (i % 5)),
  )
  await agree(
    attention(q, k, v, { alibiSlopes: device.tensor(slopes, [4]) }).o,
    attention(q, k, v, { bias: upload(device, values([1, 4, 3, 5], distances)) }).o,
  )
})

test('slopes for heads that are no power of two interleave those of the next', () => {
  expect([...alibiSlopes(4)]).toEqual([2 ** -2, 2 ** -4, 2 ** -6, 2 ** -8])
  expect([...alibiSlopes(6)]).toEqual([...alibiSlopes(4), 2 ** -1, 2 ** -3])
  expect([...alibiSlopes(1)]).toEqual([2 ** -8])
})

test('a cache that is longer than its contents counts positions from kvLengths, and what lies beyond does not matter', async () => {
  const lengths = device.tensor(Int32Array.of(4, 3), [2])
  const poisoned = (tensor: Tensor, width: number): Promise<Tensor> =>
    device.read(tensor).then((data) => {
      const copy = Float32Array.from(data as Float32Array)
      for (let head = 0; head < 4; head++)
        copy.fill(Number.NaN, (head * 5 + (head < 2 ? 4 : 3)) * width, (head + 1) * 5 * width)
      return device.tensor(copy, tensor.shape)
    })
  const padded = attention(q, await poisoned(k, 8), await poisoned(v, 6), { isCausal: true, kvLengths: lengths })
  for (const [b, length] of [4, 3].entries()) {
    const cut = async (tensor: Tensor): Promise<Tensor> => {
      const [, heads = 0, rows = 0, width = 0] = tensor.shape
      const data = (await device.read(tensor)) as Float32Array
      const parts = Array.from({ length: heads }, (_, head) => [
        ...data.subarray((b * heads + head) * rows * width, ((b * heads + head) * rows + length) * width),
      ])
      return device.tensor(Float32Array.from(parts.flat()), [1, heads, length, width])
    }
    const one = device.tensor(((await device.read(q)) as Float32Array).slice(b * 96, (b + 1) * 96), [1, 4, 3, 8])
    const alone = attention(one, await cut(k), await cut(v), { isCausal: true })
    expect([...(await device.read(padded.o))].slice(b * 72, (b + 1) * 72)).toEqual([...(await device.read(alone.o))])
    expect([...(await device.read(padded.lse))].slice(b * 12, (b + 1) * 12)).toEqual([
      ...(await device.read(alone.lse)),
    ])
  }
})

test('layouts say where the axes are and nothing else', async () => {
  const swap = (tensor: Tensor): Promise<Tensor> =>
    device.read(tensor).then((data) => {
      const [batch = 0, heads = 0, rows = 0, width = 0] = tensor.shape
      const out = new Float32Array(data.length)
      for (let b = 0; b < batch; b++)
        for (let h = 0; h < heads; h++)
          for (let l = 0; l < rows; l++)
            for (let d = 0; d < width; d++) {
              out[((b * rows + l) * heads + h) * width + d] = data[((b * heads + h) * rows + l) * width + d] as number
            }
      return device.tensor(out, [batch, rows, heads, width])
    })
  const expected = await device.read(await swap(attention(q, k, v, { isCausal: true }).o))
  expect(
    await device.read(attention(await swap(q), await swap(k), await swap(v), { isCausal: true, layout: 'blhd' }).o),
  ).toEqual(expected)
  expect(
    await device.read(attention(await swap(q), k, v, { isCausal: true, layout: 'blhd', kvLayout: 'bhld' }).o),
  ).toEqual(expected)
})

test('the cost counts the pairs that causality and the window leave', () => {
  const specs = {
    q: { kind: 'dense', dtype: 'f32', shape: [1, 2, 4, 8] },
    k: { kind: 'dense', dtype: 'f16', shape: [1, 1, 6, 8] },
    v: { kind: 'dense', dtype: 'f16', shape: [1, 1, 6, 8] },
  } as const
  const cost = (options: AttentionCall) =>
    attentionOp.cost({ op: 'attention', inputs: specs, outputs: attentionOp.validate(specs, options), options })
  expect(cost({}).flops).toBe(2 * 2 * 24 * 16)
  expect(cost({ isCausal: true }).flops).toBe(2 * 2 * (3 + 4 + 5 + 6) * 16)
  expect(cost({ isCausal: true, windowLeft: 1 }).flops).toBe(2 * 2 * 8 * 16)
  expect(cost({}).bytesRead).toBe(4 * 64 + 2 * 48 * 2)
})
