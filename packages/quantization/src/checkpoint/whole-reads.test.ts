import {
  bufferSink,
  bufferSource,
  type Checkpoint,
  readSafetensors,
  type StoredTensor,
  writeSafetensors,
} from '@tessera-llm/formats'
import { bytesOf, createRandom } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { gptqConfig, type IntegerGrid, quantizedCheckpoint } from '../index.ts'

const grid: IntegerGrid = { kind: 'integer', bits: 4, group: 64, isSymmetric: true, scaleType: 'f16' }
const name = (layer: number): string => `model.layers.${layer}.mlp.up_proj`
const [rows, columns, groups] = [1024, 2048, 32]
const piece = 2 ** 20

/** Layers of 1.2 MB each as blocks of q4_0, and how often the codes of each are read. */
async function layersOf(count: number): Promise<{ readonly checkpoint: Checkpoint; readonly reads: () => number[] }> {
  const random = createRandom(5)
  const words = Uint32Array.from({ length: (columns / 8) * rows }, () => random.uniform() * 2 ** 32)
  const tensors = Array.from({ length: count }, (_, layer) =>
    [
      { part: 'qweight', format: 'i32', shape: [columns / 8, rows], bytes: bytesOf(words.map((word) => word + layer)) },
      {
        part: 'qzeros',
        format: 'i32',
        shape: [groups, rows / 8],
        bytes: new Uint8Array((groups * rows) / 2).fill(0x88),
      },
      { part: 'scales', format: 'f16', shape: [groups, rows], bytes: new Uint8Array(2 * groups * rows).fill(0x3c) },
    ].map(({ part, ...tensor }) => ({ name: `${name(layer)}.${part}`, ...tensor })),
  ).flat()
  const sink = bufferSink()
  await writeSafetensors({ tensors }, sink)
  const stored = await readSafetensors(bufferSource(sink.bytes()))
  const reads = new Map<string, number>()
  const counted = new Map<string, StoredTensor>()
  for (const [key, tensor] of stored.tensors)
    counted.set(key, {
      ...tensor,
      read(...range) {
        reads.set(key, (reads.get(key) ?? 0) + 1)
        return tensor.read(...range)
      },
    })
  return {
    checkpoint: await quantizedCheckpoint({ ...stored, tensors: counted }, gptqConfig(grid, 2)),
    reads: () => Array.from({ length: count }, (_, layer) => reads.get(`${name(layer)}.qweight`) ?? 0),
  }
}

test('a matrix above a mebibyte is decoded once for its parts, several at a time, and its bytes are those of one read', async () => {
  const { checkpoint, reads } = await layersOf(2)
  expect(reads()).toEqual([0, 0])
  const whole: Uint8Array[] = []
  for (const layer of [0, 1]) whole.push((await checkpoint.tensors.get(`${name(layer)}.weight`)?.read()) as Uint8Array)
  expect(reads()).toEqual([1, 1])
  const { byteLength } = whole[0] as Uint8Array
  expect(byteLength).toBeGreaterThan(piece)
  const pieces = [0, 1].flatMap((layer) =>
    [0, piece].map((offset) =>
      checkpoint.tensors.get(`${name(layer)}.weight`)?.read(offset, Math.min(piece, byteLength - offset)),
    ),
  )
  const parts = (await Promise.all(pieces)) as Uint8Array[]
  expect(reads()).toEqual([2, 2])
  expect(Buffer.compare(Buffer.concat(parts), Buffer.concat(whole))).toBe(0)
  expect(parts.every(({ buffer, length }) => buffer.byteLength === length)).toBe(true)
})

test('parts in any order are right; a tensor that others have pushed out is decoded again', async () => {
  const { checkpoint, reads } = await layersOf(3)
  const tensors = [0, 1, 2].map((layer) => checkpoint.tensors.get(`${name(layer)}.weight`))
  for (const tensor of tensors) await tensor?.read(0, 4)
  expect(reads()).toEqual([1, 1, 1])
  // Two are kept.
  const last = await tensors[2]?.read(4, 4)
  await tensors[1]?.read(4, 4)
  expect(reads()).toEqual([1, 1, 1])
  await tensors[0]?.read(4, 4)
  expect(reads()).toEqual([2, 1, 1])
  expect(last).toEqual((await tensors[2]?.read())?.slice(4, 8))
})

test('a read that is aborted fails alone, and the next one decodes anew', async () => {
  const { checkpoint } = await layersOf(1)
  const tensor = checkpoint.tensors.get(`${name(0)}.weight`)
  const whole = (await tensor?.read()) as Uint8Array
  const gone = AbortSignal.abort()
  await expect(tensor?.read(0, 4, gone)).rejects.toThrow()
  expect(await tensor?.read(0, 4, new AbortController().signal)).toEqual(whole.slice(0, 4))
  expect(await tensor?.read(0, 4)).toEqual(whole.slice(0, 4))
})
