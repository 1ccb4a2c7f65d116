import type { Device, HostTensor, PackedTensor, Shape } from '@tessera-llm/tensor'
import { type KvFormat, kvWords } from '../../src/index.ts'
import { storeGroups, storeRows } from '../../src/kv-store/reference.ts'

/** A packed cache of this shape for the device, as kv-store fills it: see `packedWords`. */
export function packedRows(
  format: KvFormat,
  shape: Shape,
  values: Float32Array,
  counts: readonly number[],
  grouped?: readonly number[],
): (device: Device) => PackedTensor {
  const words = packedWords(format, shape, values, counts, grouped)
  return (device) => device.pack(format, shape, { blocks: new Uint8Array(words.buffer) })
}

/**
 * The first `counts[b]` of the rows of values f32[B, H, C, D], rounded; of formats of groups, the first `grouped[b]`
 * tokens are in groups. All other words are ones: NaN, and codes that must not matter.
 */
export function packedWords(
  format: KvFormat,
  shape: Shape,
  values: Float32Array,
  counts: readonly number[],
  grouped: readonly number[] = counts.map(() => 0),
): Uint32Array {
  const [batch = 0, heads = 0, rows = 0, width = 0] = shape
  const words = new Uint32Array(kvWords(format.codes, shape)).fill(0xffffffff)
  const host = (data: ArrayLike<number>, of: Shape): HostTensor => ({
    dtype: 'f32',
    shape: of,
    data: Float64Array.from(data),
  })
  if (format.codes.unit === 'group') words.fill(0, 0, 2 * batch)
  const longest = Math.max(...counts)
  for (let start = 0; start < longest + 32; start += 32) {
    // A sequence that has ended drops its rows below 0.
    const positions = counts.map((count) => (start < count ? start : -1000))
    const chunk = Float64Array.from({ length: batch * 32 * heads * width }, (_, index) => {
      const [d, h, i, b] = [
        index % width,
        Math.floor(index / width) % heads,
        Math.floor(index / width / heads) % 32,
        Math.floor(index / width / heads / 32),
      ]
      return start + i < rows ? (values[((b * heads + h) * rows + start + i) * width + d] as number) : 0
    })
    const x = { x: host(chunk, [batch, 32, heads, width]), positions: host(positions, [batch]) }
    if (format.codes.unit === 'row') storeRows(words, x, shape, format.codes.code)
    else {
      for (const b of counts.keys()) {
        words[2 * b + 1] = words[2 * b] as number
        words[2 * b] = Math.min(grouped[b] as number, start)
      }
      storeGroups(words, x, shape, format.codes)
    }
  }
  for (const b of counts.keys()) if (format.codes.unit === 'group') words[2 * b + 1] = words[2 * b] as number
  return words
}
