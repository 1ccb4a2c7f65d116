import { attention } from '@tessera-llm/attention'
import type { ModelConfig } from '@tessera-llm/runtime'
import { createRandom, type Device, type Tensor } from '@tessera-llm/tensor'
import { formatTable, formatTime, type Screen } from '../terminal/index.ts'
import { largestDifference } from './agreement.ts'

export type AttentionShape = Pick<ModelConfig, 'numHeads' | 'numKvHeads' | 'headDim'>

export interface AttentionFigures {
  readonly tokens: number
  readonly plainMs: number
  readonly flashMs: number
  /** Largest difference between the two results. */
  readonly difference: number
}

/**
 * The same causal attention of a prompt by two kernels of one op: `plain` processes a row of scores at a time, `flash`
 * (Dao et al. 2022) a tile.
 */
export async function compareAttention(
  device: Device,
  { numHeads, numKvHeads, headDim }: AttentionShape,
  tokens: number,
): Promise<AttentionFigures> {
  const random = createRandom(7)
  const make = (heads: number): Tensor =>
    device.tensor(
      Float32Array.from({ length: heads * tokens * headDim }, () => random.normal()),
      [1, heads, tokens, headDim],
    )
  const [q, k, v] = [make(numHeads), make(numKvHeads), make(numKvHeads)]
  const run = async (kernel: 'plain' | 'flash'): Promise<{ readonly ms: number; readonly values: Float32Array }> => {
    let ms = Number.POSITIVE_INFINITY
    // The first round tiers up; the better of the others is the kernel's own speed.
    for (let round = 0; ; round++) {
      const begin = performance.now()
      const { o } = attention(q, k, v, { isCausal: true, returnLse: false }, { kernel })
      await device.synchronize()
      if (round > 0) ms = Math.min(ms, performance.now() - begin)
      const values = round === 2 ? ((await device.read(o)) as Float32Array) : undefined
      o.dispose()
      if (values) return { ms, values }
    }
  }
  try {
    const plain = await run('plain')
    const flash = await run('flash')
    return { tokens, plainMs: plain.ms, flashMs: flash.ms, difference: largestDifference(plain.values, flash.values) }
  } finally {
    for (const tensor of [q, k, v]) tensor.dispose()
  }
}

export interface AttentionScene {
  readonly shape: AttentionShape
  /** Prompt lengths. */
  readonly lengths: readonly number[]
  readonly signal: AbortSignal
}

/** A table of both kernels over the prompt's length. */
export async function showAttention(
  device: Device,
  { shape, lengths, signal }: AttentionScene,
  screen: Screen,
): Promise<readonly AttentionFigures[]> {
  const figures: AttentionFigures[] = []
  for (const tokens of lengths) {
    screen.status(`measuring ${tokens} tokens …`)
    figures.push(await compareAttention(device, shape, tokens))
    await new Promise((resolve) => setImmediate(resolve))
    signal.throwIfAborted()
  }
  const rows = figures.map(({ tokens, plainMs, flashMs, difference }) => [
    String(tokens),
    formatTime(plainMs),
    formatTime(flashMs),
    `${(plainMs / flashMs).toFixed(2)} ×`,
    difference.toExponential(1),
  ])
  screen.line(formatTable(['prompt tokens', 'plain', 'flash', 'flash is faster by', 'largest difference'], rows))
  return figures
}
