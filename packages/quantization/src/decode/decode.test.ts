import { createRandom } from '@tessera-llm/tensor'
import { createWasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ggmlFormat } from '../format/index.ts'
import { createDeviceBlockRounder, roundPlain } from '../round/index.ts'
import { roundGroupsWasm } from '../round/wasm.ts'
import { decodeBlocksOp } from './index.ts'
import { decodeBlocksWasm } from './wasm.ts'

const [rows, columns] = [37, 192]
const random = createRandom(8)
const blockBytes: Readonly<Record<string, number>> = { q4_0: 18, q4_1: 20, q8_0: 34 }

/** Blocks of any bytes, the f16 among them finite. */
function blocksOf(format: string): Uint8Array<ArrayBuffer> {
  const size = blockBytes[format] as number
  const bytes = Uint8Array.from({ length: (rows * columns * size) / 32 }, () => random.integer(256))
  for (let at = 0; at < bytes.length; at += size) {
    for (const half of format === 'q4_1' ? [1, 3] : [1]) {
      const high = bytes[at + half] as number
      if ((high & 0x7c) === 0x7c) bytes[at + half] = high & 0x83
    }
  }
  return bytes
}

describe.each(Object.keys(blockBytes))('%s', (format) => {
  let device: Awaited<ReturnType<typeof createWasmDevice>>
  beforeAll(async () => {
    device = await createWasmDevice({ kernels: [decodeBlocksWasm, roundGroupsWasm], threads: 2 })
  })
  afterAll(() => device.dispose())
  const bytes = blocksOf(format)
  const rowBytes = bytes.length / rows

  test('any block with finite scales is decoded to the bits of the plain way', async () => {
    const blocks = device.tensor(bytes, [rows, rowBytes])
    const { values } = device.run(decodeBlocksOp, { blocks }, { format, columns })
    const made = (await device.read(values)) as Float32Array
    const expected = ggmlFormat(format).decodeF32({ blocks: bytes }, [rows, columns])
    expect(new Uint32Array(made.buffer, made.byteOffset, made.length)).toEqual(new Uint32Array(expected.buffer))
    for (const tensor of [blocks, values]) tensor.dispose()
  })

  test('blocks are rounded to what their values are; those with an infinity or NaN are left to the caller', async () => {
    const encoded = ggmlFormat(format).encode(
      Float32Array.from({ length: rows * columns }, () => random.normal()),
      [rows, columns],
    )['blocks'] as Uint8Array
    const round = createDeviceBlockRounder(device)
    const shape = [rows, columns] as const
    const values = ggmlFormat(format).decodeF32({ blocks: encoded }, shape)
    for (const grid of [
      { kind: 'integer', bits: 4, group: 64, isSymmetric: false, scaleType: 'f16' },
      { kind: 'integer', bits: 8, group: 'row', isSymmetric: true, scaleType: 'f16' },
      { kind: 'integer', bits: 3, group: 24, isSymmetric: false, scaleType: 'bf16' },
    ] as const) {
      expect(await round({ format, bytes: encoded, shape }, grid)).toEqual(await roundPlain({ values, shape }, grid))
      for (const odd of [0x7c, 0xfc, 0x7e]) {
        const damaged = encoded.slice()
        damaged[7 * (blockBytes[format] as number) + 1] = odd
        expect(await round({ format, bytes: damaged, shape }, grid)).toBeUndefined()
      }
    }
    const grid = { kind: 'integer', bits: 4, group: 64, isSymmetric: false, scaleType: 'f16' } as const
    expect(await round({ format: 'q4_k', bytes: encoded, shape }, grid)).toBeUndefined()
    expect(await round({ format, bytes: encoded, shape }, { ...grid, group: 'tensor' })).toBeUndefined()
    await expect(round({ format, bytes: encoded.subarray(1), shape }, grid)).rejects.toThrow('takes')
    expect(device.memory().liveTensors).toBe(0)
  })
})
