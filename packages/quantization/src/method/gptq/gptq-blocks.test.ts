import { createRandom } from '@tessera-llm/tensor'
import { describe, expect, test } from 'vitest'
import { gatherStatistics, outputError } from '../../../test/method-golden.ts'
import { createCodeWriter } from '../../format/code-writer.ts'
import { createBlock, ggmlBlockTypes, ggmlFormat, gptqBlocks, importanceOf, type WeightMatrix } from '../../index.ts'

const types = [
  'q4_0',
  'q4_1',
  'q5_0',
  'q5_1',
  'q8_0',
  'iq4_nl',
  'mxfp4',
  'q2_k',
  'q3_k',
  'q4_k',
  'q5_k',
  'q6_k',
  'iq4_xs',
  'tq2_0',
]
const random = createRandom(21)

test.for(types)('%s: a code writer puts back the codes that the decoder reads', (id) => {
  const type = ggmlBlockTypes.find((known) => known.id === id) as (typeof ggmlBlockTypes)[number]
  const values = Float32Array.from({ length: type.blockSize }, () => random.normal())
  const stored = ggmlFormat(id)?.encode(values, [1, type.blockSize])['blocks'] as Uint8Array
  const block = createBlock(type)
  type.unpack(stored, 0, block)
  const writer = createCodeWriter(type)
  const copy = stored.slice()
  writer.write(new Int8Array(type.blockSize).fill(writer.codes[0] as number), copy, 0)
  expect(copy).not.toEqual(stored)
  writer.write(block.codes, copy, 0)
  const again = createBlock(type)
  type.unpack(copy, 0, again)
  expect(again).toEqual(block)
})

describe('blocks by GPTQ change outputs less than the encoder with importance', () => {
  const columns = 512
  const tokens = 700
  const mixed = Float32Array.from({ length: tokens * columns }, (_, i) => random.normal() * (1 + (i % 50) / 20))
  const x = mixed.map(
    (value, i) => value + 0.7 * (mixed[i - (i % columns) + Math.floor((i % columns) / 8) * 8] as number),
  )
  const statistics = gatherStatistics(x, columns)
  const weight: WeightMatrix = {
    values: Float32Array.from({ length: 6 * columns }, () => 0.03 * random.normal()),
    shape: [6, columns],
  }
  const held = x.subarray(0, 100 * columns)

  test.for(types)('%s', (id) => {
    const format = ggmlFormat(id)
    const errorOf = (blocks: Uint8Array): number =>
      outputError(held, weight.values, Float32Array.from(format?.decode({ blocks }, weight.shape) ?? []), columns).error
    const encoded = format?.encode(weight.values, weight.shape, { importance: importanceOf(statistics) })[
      'blocks'
    ] as Uint8Array
    const { blocks, loss, notes } = gptqBlocks(weight, statistics, id, { passes: 1 })
    expect(blocks.length).toBe(encoded.length)
    expect(errorOf(blocks)).toBeLessThan(errorOf(encoded) * 0.8)
    expect(errorOf(blocks) / 100).toBeLessThan(loss * 1.1)
    expect(notes).toEqual([])
  })
})

test('what does not fit is refused by name', () => {
  const weight: WeightMatrix = { values: new Float32Array(576).fill(0.1), shape: [1, 576] }
  const statistics = gatherStatistics(new Float32Array(576).fill(1), 576)
  expect(() => gptqBlocks(weight, statistics, 'q4_k')).toThrow(
    'q4_k stores rows in blocks of 256; the rows of [1, 576] have 576 elements',
  )
  expect(() => gptqBlocks(weight, statistics, 'q4_9')).toThrow(
    'no block type is called "q4_9"; did you mean q4_0? Known are',
  )
  expect(() =>
    gptqBlocks(
      { values: new Float32Array(256).fill(1), shape: [1, 256] },
      gatherStatistics(new Float32Array(256).fill(1), 256),
      'iq2_s',
    ),
  ).toThrow('iq2_s: blocks of this type can be read and not made')
})
