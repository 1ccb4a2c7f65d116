import { readFile } from 'node:fs/promises'
import { isTesseraError } from '@tessera-llm/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bufferSource } from '../source/buffer-source.ts'
import { readGguf } from './read-gguf.ts'

describe('a real file, damaged', async () => {
  const real = new Uint8Array(await readFile(new URL('../../test/golden/llama.gguf', import.meta.url)))
  const dataStart = headerEnd(await readGguf(bufferSource(real)))

  async function readsOrRefuses(bytes: Uint8Array): Promise<'read' | 'refused'> {
    try {
      const checkpoint = await readGguf(bufferSource(bytes))
      for (const tensor of checkpoint.tensors.values()) expect((await tensor.read()).length).toBe(tensor.byteLength)
      return 'read'
    } catch (error) {
      if (!isTesseraError(error)) throw error
      expect(['invalid-file', 'unsupported']).toContain(error.code)
      return 'refused'
    }
  }

  test('cut anywhere, it is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.nat(dataStart), fc.nat(real.length - 1)), async (length) => {
        expect(await readsOrRefuses(real.subarray(0, length))).toBe('refused')
      }),
      { numRuns: 300 },
    )
  })

  test('with flipped bits and overwritten bytes in its header, it is read or refused', async () => {
    const change = fc.record({ at: fc.nat(dataStart - 1), value: fc.nat(255) })
    const outcomes = { read: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = real.slice()
        for (const { at, value } of changes) bytes[at] = value
        outcomes[await readsOrRefuses(bytes)]++
      }),
      { numRuns: 400 },
    )
    expect(outcomes.refused).toBeGreaterThan(0)
  })

  test('with 64-bit fields overwritten by extreme values, it is read or refused', async () => {
    const extreme = fc.constantFrom(
      0n,
      1n,
      2n ** 31n,
      2n ** 32n - 1n,
      2n ** 32n,
      2n ** 53n,
      2n ** 63n - 1n,
      2n ** 63n,
      2n ** 64n - 1n,
    )
    await fc.assert(
      fc.asyncProperty(fc.nat(dataStart - 8), extreme, async (at, value) => {
        const bytes = real.slice()
        new DataView(bytes.buffer).setBigUint64(at, value, true)
        await readsOrRefuses(bytes)
      }),
      { numRuns: 400 },
    )
  })

  test('with pieces removed, repeated or swapped, it is read or refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(dataStart), fc.nat(200), fc.nat(dataStart), async (from, length, to) => {
        const piece = real.subarray(from, from + length)
        await readsOrRefuses(Buffer.concat([real.subarray(0, from), real.subarray(from + length)]))
        await readsOrRefuses(Buffer.concat([real.subarray(0, to), piece, real.subarray(to)]))
      }),
      { numRuns: 200 },
    )
  })

  test('any bytes after the magic are read or refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (tail) => {
        await readsOrRefuses(Buffer.concat([real.subarray(0, 8), tail]))
      }),
      { numRuns: 400 },
    )
  })
})

/** Offset of the tensor data, which end the file, each tensor padded to the alignment. */
function headerEnd(checkpoint: Awaited<ReturnType<typeof readGguf>>): number {
  let data = 0
  for (const { byteLength } of checkpoint.tensors.values())
    data += Math.ceil(byteLength / checkpoint.alignment) * checkpoint.alignment
  return checkpoint.byteLength - data
}
