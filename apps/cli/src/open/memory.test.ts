import { describe, expect, test } from 'vitest'
import { createOutput, processIo } from '../terminal/index.ts'
import { llamaGguf, tiny } from '../../test/support/models.ts'
import { describePlan, planFor, withFiles, withModel } from './index.ts'

const output = { ...createOutput(true, processIo()), note: () => {} }
const { signal } = new AbortController()
const args = { device: 'reference', threads: undefined, context: undefined, cache: undefined, json: true } as const

const wasm = { device: 'wasm', cache: 'f32' } as const

describe('the memory that is stated is what the tensors of a session that fills its context take, within 10 %', () => {
  test.each([
    [20, 'f32'],
    [200, 'f32'],
    [256, 'f32'],
    [200, 'int8'],
  ] as const)('%i tokens, activations in %s', (contextLength, activations) =>
    withFiles(tiny, output, signal, (files) =>
      withModel(files, { ...args, model: tiny, activations }, { contextLength }, output, signal, async ({ model }) => {
        // Tensor bytes are the same on every device; the reference only computes in smaller chunks by default.
        const session = model.createSession({ chunkTokens: 128 })
        await session.prefill(Array.from({ length: contextLength - 1 }, (_, index) => index))
        await session.stepGreedy(1)
        const { totalBytes, cacheBytes } = planFor(
          files,
          { device: 'wasm', cache: undefined, activations },
          contextLength,
        )
        expect(cacheBytes).toBe(session.cacheBytes)
        const { peakBytes } = model.device.memory()
        expect(Math.abs(totalBytes / peakBytes - 1)).toBeLessThan(0.1)
      }),
    ),
  )
})

test('the cache is counted for as many tokens as the session may hold', () =>
  withFiles(llamaGguf, output, signal, async (files) => {
    const [short, long] = [planFor(files, wasm, 16), planFor(files, wasm, 64)]
    expect(long.cacheBytes).toBe(4 * short.cacheBytes)
    expect(short.weightBytes).toBe(long.weightBytes)
    expect(describePlan(long)).toMatch(
      /^needs \d+\.\d KiB of memory \(weights 219\.9 KiB, cache \d+\.\d KiB at 64 tokens, buffers \d+\.\d KiB\)$/,
    )
  }))

test('all logits of a chunk count where a command asks for them', () =>
  withFiles(tiny, output, signal, async (files) => {
    const more = planFor(files, wasm, 200, true).totalBytes - planFor(files, wasm, 200).totalBytes
    expect(more).toBe(2 * 128 * 2048 * 4)
  }))
