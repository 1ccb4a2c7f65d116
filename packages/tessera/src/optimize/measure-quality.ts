import { cutWindows, measureDivergence } from '@tessera-llm/evaluation'
import { type Recipe, type ReceiptQuality, type ReceiptSpeed, recipeCache } from '@tessera-llm/optimize'
import { hashFile, readText } from '@tessera-llm/optimize/node'
import { createSession, type Session, type SessionOptions } from '@tessera-llm/runtime'
import { createRandom, type Device } from '@tessera-llm/tensor'
import type { Model } from '../model/model.ts'
import { loadFiles, textOf } from '../model-files/index.ts'
import type { Listeners } from './listeners.ts'
import { withModelFiles } from './with-model-files.ts'

export interface QualityOptions extends Listeners {
  readonly device: Device
  /** Paths of the model before and after. */
  readonly original: string
  readonly compressed: string
  readonly text: string
  readonly window: number
  readonly windows?: number | undefined
  /** Rounding of the inputs of linear layers, and cache of keys and values, in the compressed model. */
  readonly recipe: Recipe
}

export interface MeasuredQuality {
  readonly quality: ReceiptQuality
  readonly speed: { readonly before: ReceiptSpeed; readonly after: ReceiptSpeed }
}

/**
 * Divergence of a compressed model from the original over all positions of a text, and the speed of both. Inputs of
 * layers and caches are in f32 unless the recipe sets them.
 */
export async function measureQuality(options: QualityOptions): Promise<MeasuredQuality> {
  const { device, original, compressed, text, window, windows, recipe, onProgress, onNote, signal } = options
  const { activations = 'f32' } = recipe
  const cache = recipe.cache && recipeCache(recipe.cache)
  const written = await readText('evaluation', text)
  return withModelFiles(original, options, async (before) =>
    withModelFiles(compressed, options, async (after) => {
      const { tokenizer } = textOf(before)
      // Tokenized like `tessera eval`, which gives the same figures.
      const ids = tokenizer.encode(written)
      const cut = { window, windows, protocol: 'all', bosId: tokenizer.addBos ? tokenizer.bosId : undefined } as const
      const settings = { device, signal, onNote, activations: 'f32', contextLength: window - 1 } as const
      const cuts = cutWindows(ids, cut)
      const first = await loadFiles(before, settings)
      try {
        const second = await loadFiles(after, { ...settings, activations, cache })
        try {
          const divergence = await measureDivergence(first.session, second.session, ids, {
            ...cut,
            signal,
            onProgress: ({ windows: done, totalWindows: total }) => onProgress?.({ phase: 'measuring', done, total }),
          })
          const {
            kld,
            kldStandardError,
            kldStandardErrorClustered,
            top1Agreement,
            tokens,
            original: originalPerplexity,
            compared,
          } = divergence
          const quality: ReceiptQuality = {
            text: await hashFile(text),
            windows: cuts.length,
            window,
            protocol: 'all',
            activations,
            kld,
            kldStandardError,
            kldStandardErrorClustered,
            top1Agreement,
            tokens,
            original: originalPerplexity,
            compared,
            ...(cache && {
              cacheBytes: { original: first.session.cacheBytes, compressed: second.session.cacheBytes },
            }),
          }
          return {
            quality,
            speed: {
              before: await speedOf(first, window - 1, signal),
              after: await speedOf(second, window - 1, signal, {
                activations: activations === 'f32' ? undefined : activations,
                cache,
              }),
            },
          }
        } finally {
          await second.dispose()
        }
      } finally {
        await first.dispose()
      }
    }),
  )
}

/**
 * Speed of a session with the device's default activations, or those of the recipe. Tokens are random, because speed
 * does not depend on them. The first round warms up.
 */
async function speedOf(
  { language }: Model,
  contextLength: number,
  signal: AbortSignal | undefined,
  asked: Pick<SessionOptions, 'activations' | 'cache'> = {},
): Promise<ReceiptSpeed> {
  const session = createSession(language, { ...asked, contextLength })
  try {
    return await timeSession(session, signal)
  } finally {
    session.dispose()
  }
}

async function timeSession(session: Session, signal: AbortSignal | undefined): Promise<ReceiptSpeed> {
  const random = createRandom(1)
  const promptTokens = Math.min(64, Math.floor(session.contextLength / 2))
  const generate = Math.min(24, session.contextLength - promptTokens)
  const { activations } = session
  let speed: ReceiptSpeed = { activations, promptTokensPerSecond: 0, decodeTokensPerSecond: 0 }
  for (let round = 0; round < 2; round++) {
    const prompt = Array.from({ length: promptTokens }, () => random.integer(session.model.config.vocabSize))
    session.truncate(0)
    const begin = performance.now()
    await session.prefill(prompt, { signal })
    const middle = performance.now()
    let id = prompt[0] as number
    for (let step = 0; step < generate; step++) id = await session.stepGreedy(id)
    speed = {
      activations,
      promptTokensPerSecond: (1000 * promptTokens) / (middle - begin),
      decodeTokensPerSecond: (1000 * generate) / (performance.now() - middle),
    }
  }
  return speed
}
