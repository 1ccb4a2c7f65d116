import { fileSink } from '@tessera-llm/formats/node'
import { bytesByClass, calibrationSizes, hasBudget, type Receipt } from '@tessera-llm/optimize'
import { hashFile, hashModel } from '@tessera-llm/optimize/node'
import { TesseraError } from '@tessera-llm/tensor'
import { ownVersion } from '../own-version.ts'
import { measureEmbeddings } from './measure-embeddings.ts'
import { measureQuality } from './measure-quality.ts'
import { type OptimizeModelOptions, withDeviceOf } from './options.ts'
import { inputOf, planOf, recipeFrom, planTarget } from './plan-model.ts'
import { receiptPath } from './receipt-path.ts'
import { deleteWork, runRecipe } from './run-recipe.ts'
import { kindOfOutput, targetOf } from './target.ts'
import { withTools } from './tools.ts'
import { withModelFiles } from './with-model-files.ts'

/**
 * Applies a recipe to a GGUF file or a folder, writes the smaller model, measures the change in quality and speed on a
 * text, and writes both beside the result as a receipt (`OUTPUT.receipt.json`), which it returns. Finished weights are
 * stored beside the output until the receipt is written, so that a repeated call resumes an interrupted one. Nothing
 * appears at the output path before it is complete.
 *
 * @throws TesseraError `not-found`, `invalid-file`, `invalid-option` for a recipe that does not fit the model,
 *   `unsupported` for contents that the output cannot hold, `invalid-value` for a text that is too short, `io`,
 *   `aborted`
 */
export async function optimizeModel(options: OptimizeModelOptions): Promise<Receipt> {
  const { input: name, output, calibration, evaluation, onPlan, signal, onProgress, onNote } = options
  const began = performance.now()
  const secondsSince = (): number => (performance.now() - began) / 1000
  const asked = recipeFrom(options.recipe)
  return withModelFiles(name, options, async (files) => {
    const target = await targetOf(files, kindOfOutput(output), asked)
    const early = hasBudget(asked) ? undefined : await planOf(files, target, asked)
    if (early) onPlan?.(early)
    const input = await inputOf(files, output)
    return withDeviceOf(options, async (device) => {
      const { planned, applied } = await withTools(files, target.subject.kind, options, async (tools) => {
        const resolved = await planTarget(files, target, asked, early, input, device, { ...options, tools })
        if (!early) onPlan?.(resolved.planned)
        const { recipe } = resolved.planned
        const settings = { ...options, device, tools, recipe, inputHash: input.sha256 }
        return { planned: resolved.planned, applied: await runRecipe(resolved.target, settings) }
      })
      const { plan, recipe, allocation } = planned
      const written = await hashModel(output)
      if (allocation && written.bytes > allocation.budget)
        throw new TesseraError(
          'invalid-value',
          `optimize: ${output} has ${written.bytes} bytes where ${allocation.budget} were promised; this is a bug, please report it`,
        )
      const applySeconds = secondsSince()
      const compared = { device, original: name, compressed: output, recipe, signal, onProgress, onNote }
      const measured =
        evaluation === undefined
          ? undefined
          : target.subject.kind === 'encoder'
            ? await measureEmbeddings({ ...compared, text: evaluation.text, sentences: evaluation.sentences ?? 500 })
            : await measureQuality({
                ...compared,
                ...evaluation,
                window: evaluation.window ?? Math.min(512, target.subject.config.contextLength),
              })
      const receipt: Receipt = {
        receipt: 1,
        input,
        output: written,
        ...(calibration === undefined
          ? {}
          : {
              calibration: {
                ...(await hashFile(calibration)),
                ...calibrationSizes(target.subject, recipe.calibration),
              },
            }),
        recipe,
        ...(allocation ? { budget: { bytes: allocation.budget, predictedKld: allocation.loss } } : {}),
        seed: recipe.seed ?? 0,
        versions: { tessera: ownVersion, node: process.version },
        device: { kind: device.kind, name: device.name, kernels: device.kernelsUsed() },
        bytes: bytesByClass(plan),
        ...measured,
        peakRssBytes: process.resourceUsage().maxRSS * 1024,
        seconds: { apply: applySeconds, total: secondsSince() },
        notes: applied.notes,
      }
      await writeWhole(receiptPath(output), `${JSON.stringify(receipt, null, 2)}\n`)
      // Finished weights are deleted only after the receipt, so that a run that ends before it can resume.
      await deleteWork(output)
      return receipt
    })
  })
}

/** Writes a text that appears at `path` only when it is complete. */
async function writeWhole(path: string, text: string): Promise<void> {
  const sink = await fileSink(path)
  try {
    await sink.write(new TextEncoder().encode(text))
  } catch (error) {
    await sink.abort()
    throw error
  }
  await sink.finish()
}
