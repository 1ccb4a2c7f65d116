import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type EvaluatedSession, measureDivergence } from '@tessera-llm/evaluation'
import type { GgufCheckpoint } from '@tessera-llm/formats'
import {
  allocateBudget,
  applyRecipe,
  type Calibration,
  hasBudget,
  type Recipe,
  recipeCache,
  type Solver,
  subjectOf,
} from '@tessera-llm/optimize'
import { folderStore } from '@tessera-llm/optimize/node'
import { createSession } from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import { defaultFamilies } from '@tessera-llm/tessera'
import { linearSize } from './linear-size.ts'
import { filesOfRow } from './load-row.ts'
import { sizesOf } from './receipts.ts'
import type { MeasuredRow } from './report.ts'
import type { CompressionRow } from './rows.ts'

export interface Surroundings {
  readonly device: Device
  readonly solver: Solver
  readonly checkpoint: GgufCheckpoint
  /** Hash of all that results depend on beside the recipe. */
  readonly identity: string
  /** Folder of intermediate results. */
  readonly work: string
  readonly calibration: readonly number[]
  readonly evaluation: readonly number[]
  readonly window: number
  readonly windows: number
  /** Statistics of the original model from `calibrate`. */
  statistics(): Promise<Calibration>
  /** The model before. */
  readonly original: EvaluatedSession
  readonly onProgress: (what: string, done: number, total: number) => void
}

/** Default of a calibration. */
const defaultWindow = 512

/**
 * Tokens that a session with a packed cache reads at once: keys of a chunk are exact until they make a group, which has
 * as many.
 */
const cacheChunk = 32

/** Applies a recipe and measures what it lost. */
export async function measureRow(row: CompressionRow, surroundings: Surroundings): Promise<MeasuredRow> {
  const { id, anchor, isStatic } = row
  const {
    device,
    solver,
    checkpoint,
    identity,
    work,
    calibration,
    evaluation,
    window,
    windows,
    original,
    statistics,
    onProgress,
  } = surroundings
  const gathered = isStatic ? await statistics() : undefined
  const begin = performance.now()
  const store = join(work, id)
  const asked: Recipe =
    window === defaultWindow ? row.recipe : { ...row.recipe, calibration: { ...row.recipe.calibration, window } }
  const { recipe, budget } = await withFormats({ ...row, recipe: asked }, surroundings)
  const { subject, load } = await filesOfRow(recipe, checkpoint)
  const applied = await applyRecipe(subject, recipe, {
    device,
    identity,
    store: folderStore(store),
    calibration: { ids: calibration },
    statistics: gathered,
    solver,
    onProgress: ({ done, total }) => onProgress('applying', done, total),
  })
  const middle = performance.now()
  const model = await load(applied, device)
  try {
    const cache = recipe.cache && recipeCache(recipe.cache)
    const session = createSession(model.language, {
      activations: recipe.activations ?? 'f32',
      contextLength: window - 1,
      ...(cache && { cache, chunkTokens: cacheChunk }),
    })
    try {
      const { kld, kldStandardErrorClustered, top1Agreement, tokens, divergence, compared } = await measureDivergence(
        original,
        session,
        evaluation,
        {
          window,
          windows,
          protocol: 'all',
          onProgress: ({ windows: done, totalWindows }) => onProgress('measuring', done, totalWindows),
        },
      )
      for (const kept of [store, budgetStore(store)]) await rm(kept, { recursive: true, force: true })
      return {
        id,
        recipe,
        budget,
        anchor,
        isStatic,
        ...sizesOf(subject, recipe),
        ...(cache && { cacheBytes: session.cacheBytes }),
        kld,
        kldStandardError: kldStandardErrorClustered,
        perplexity: compared.perplexity,
        top1Agreement,
        tokens,
        divergence,
        seconds: { apply: (middle - begin) / 1000, measure: (performance.now() - middle) / 1000 },
        notes: applied.notes,
      }
    } finally {
      session.dispose()
    }
  } finally {
    await model.dispose()
  }
}

const budgetStore = (store: string): string => `${store}.budget`

/** The recipe with formats where it has a budget. */
async function withFormats(
  { id, recipe, sameBytesAs = '' }: CompressionRow,
  surroundings: Surroundings,
): Promise<{ readonly recipe: Recipe; readonly budget?: MeasuredRow['budget'] }> {
  if (!hasBudget(recipe)) return { recipe }
  const { device, solver, checkpoint, identity, work, calibration, onProgress } = surroundings
  const subject = subjectOf(checkpoint, { families: defaultFamilies })
  const chosen = await allocateBudget(subject, recipe, {
    device,
    identity,
    store: folderStore(budgetStore(join(work, id))),
    calibration: { ids: calibration },
    file: linearSize(subject),
    solver,
    onProgress: (done, total, what) => onProgress(`measuring what ${what} lose`, done, total),
  })
  return { recipe: chosen.recipe, budget: { recipe, sameBytesAs, predictedKld: chosen.loss } }
}
