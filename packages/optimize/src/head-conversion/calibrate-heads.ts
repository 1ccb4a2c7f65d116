import { denseCache } from '@tessera-llm/attention'
import { cacheLayersOf, type Encoder, type LanguageModel, packSequences, uploadStep } from '@tessera-llm/runtime'
import { type Tensor, TesseraError } from '@tessera-llm/tensor'
import { collectHeads, type HeadCalibration } from './collect-heads.ts'

/** Options of `calibrateHeads` and `calibrateEncoderHeads`. */
export interface CalibrateHeadsOptions {
  readonly signal?: AbortSignal | undefined
  /** Called after each window. */
  readonly onProgress?: ((windows: number, totalWindows: number) => void) | undefined
}

/**
 * Runs a decoder on windows of token ids and accumulates the second moments of its queries, keys and values, before
 * rotary positions, layer by layer: about numLayers · 2 · (numKvHeads · headDim)² float64 values in all.
 *
 * @throws TesseraError `invalid-option` if no window has a token, `aborted`
 */
export async function calibrateHeads(
  model: LanguageModel,
  windows: readonly (readonly number[])[],
  options: CalibrateHeadsOptions = {},
): Promise<HeadCalibration> {
  const { device, config } = model
  const collector = collectHeads(config)
  const capacity = Math.max(1, ...windows.map(({ length }) => length))
  const cache = denseCache('f32').create(device, { layers: cacheLayersOf(config), batch: 1, capacity })
  try {
    await eachWindow(windows, options, async (ids) => {
      const step = uploadStep(device, ids)
      cache.prepare(0, ids.length)
      await disposing(Object.values(step), async () => {
        model.forward(step, cache, { logits: 'none', activations: 'f32', observe: collector.observe })
        await collector.settle()
      })
    })
  } finally {
    cache.dispose()
  }
  return collector.result()
}

/** Accumulates the same statistics for an encoder, on sequences with their special tokens. */
export async function calibrateEncoderHeads(
  encoder: Encoder,
  sequences: readonly (readonly number[])[],
  options: CalibrateHeadsOptions = {},
): Promise<HeadCalibration> {
  const collector = collectHeads(encoder.config)
  await eachWindow(sequences, options, async (ids) => {
    const packed = packSequences(encoder.device, [ids])
    await disposing(Object.values(packed), async () => {
      encoder.forward(packed, { activations: 'f32', observe: collector.observe }).dispose()
      await collector.settle()
    })
  })
  return collector.result()
}

async function eachWindow(
  windows: readonly (readonly number[])[],
  { signal, onProgress }: CalibrateHeadsOptions,
  run: (ids: readonly number[]) => Promise<void>,
): Promise<void> {
  const filled = windows.filter(({ length }) => length > 0)
  if (filled.length === 0)
    throw new TesseraError('invalid-option', 'calibrateHeads: there is no token to calibrate on; pass a longer text')
  for (const [index, ids] of filled.entries()) {
    if (signal?.aborted)
      throw new TesseraError(
        'aborted',
        `calibrateHeads: aborted by the caller after ${index} of ${filled.length} windows`,
        { cause: signal.reason },
      )
    await run(ids)
    onProgress?.(index + 1, filled.length)
  }
}

async function disposing(tensors: readonly (Tensor | undefined)[], run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } finally {
    for (const tensor of tensors) tensor?.dispose()
  }
}
