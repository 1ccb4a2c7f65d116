import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type EvaluatedSession, measureDivergence } from '@tessera-llm/evaluation'
import type { GgufCheckpoint } from '@tessera-llm/formats'
import { applyRecipe, type Calibration, decodedCheckpoint, subjectOf } from '@tessera-llm/optimize'
import { folderStore } from '@tessera-llm/optimize/node'
import { createDeviceEncoder } from '@tessera-llm/quantization'
import { createWasmGptqKernel, createWasmMultiply } from '@tessera-llm/quantization/wasm'
import { createSession } from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import { defaultFamilies, loadCheckpoint } from '@tessera-llm/tessera'
import { sizesOf } from './receipts.ts'
import type { MeasuredRow } from './report.ts'
import type { CompressionRow } from './rows.ts'

export interface Surroundings {
  /** With the kernel `encodeBlocksWasm` beside those of models. */
  readonly device: Device
  readonly checkpoint: GgufCheckpoint
  /** Hash of all that results depend on beside the recipe. */
  readonly identity: string
  /** Where results are kept on the way. */
  readonly work: string
  readonly calibration: readonly number[]
  readonly evaluation: readonly number[]
  readonly window: number
  readonly windows: number
  /** What `calibrate` gathers of the original model. */
  statistics(): Promise<Calibration>
  /** The model before. */
  readonly original: EvaluatedSession
  readonly onProgress: (what: string, done: number, total: number) => void
}

/** Applies a recipe and measures what it lost, its values decoded to f32: the file's kernels do not matter here, only its values. */
export async function measureRow({ id, recipe, anchor, isStatic }: CompressionRow, { device, checkpoint, identity, work, calibration, evaluation, window, windows, original, statistics, onProgress }: Surroundings): Promise<MeasuredRow> {
  const gathered = isStatic ? await statistics() : undefined
  const begin = performance.now()
  const subject = subjectOf(checkpoint, { families: defaultFamilies })
  const { hiddenSize, intermediateSize, numHeads, headDim } = subject.config
  const store = join(work, id)
  const applied = await applyRecipe(subject, recipe, {
    device, identity, store: folderStore(store), calibration: { ids: calibration }, statistics: gathered,
    solver: { multiply: await createWasmMultiply(), kernel: await createWasmGptqKernel(Math.max(hiddenSize, intermediateSize, numHeads * headDim)), encode: createDeviceEncoder(device) },
    onProgress: ({ done, total }) => onProgress('applying', done, total),
  })
  const middle = performance.now()
  const model = await loadCheckpoint(decodedCheckpoint(applied, checkpoint.metadata), { device })
  try {
    const session = createSession(model.language, { activations: 'f32', contextLength: window - 1 })
    try {
      const { kld, kldStandardErrorClustered, top1Agreement, tokens, divergence, compared } = await measureDivergence(original, session, evaluation, {
        window, windows, protocol: 'all', onProgress: ({ windows: done, totalWindows }) => onProgress('measuring', done, totalWindows),
      })
      await rm(store, { recursive: true, force: true })
      return {
        id, recipe, anchor, isStatic, ...sizesOf(subject, recipe),
        kld, kldStandardError: kldStandardErrorClustered, perplexity: compared.perplexity, top1Agreement, tokens, divergence,
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
