import { availableParallelism } from 'node:os'
import { resolve, sep } from 'node:path'
import { fileSink } from '@tessera-llm/formats/node'
import {
  bytesByClass,
  calibrationSizes,
  hasBudget,
  planNotes,
  planRecipe,
  type Receipt,
  type Recipe,
  type RecipePlan,
} from '@tessera-llm/optimize'
import { TesseraError } from '@tessera-llm/tensor'
import type { Argv } from 'yargs'
import { openDevice } from '../open/device.ts'
import { integer, type ModelArguments, placeOptions, withFiles } from '../open/index.ts'
import {
  allocateRecipe,
  forgetWork,
  hashFile,
  hashInput,
  hashModel,
  headCalibrationOf,
  kindOfOutput,
  measureEmbeddings,
  measureQuality,
  receiptPath,
  type RecipeArguments,
  recipeOf,
  recipeOptions,
  runRecipe,
  subjectOfFiles,
  targetOf,
} from '../optimize/index.ts'
import { ownVersion } from '../own-version.ts'
import { formatBytes, type Output } from '../terminal/index.ts'

export interface OptimizeArguments extends Pick<ModelArguments, 'model' | 'device' | 'threads'>, RecipeArguments {
  readonly output: string
  readonly calibrate: string | undefined
  readonly evaluate: string | undefined
  readonly window: number
  readonly windows: number | undefined
  /** Of an encoder's evaluation. */
  readonly sentences: number
  readonly dryRun: boolean
}

export function optimizeArguments(yargs: Argv) {
  return recipeOptions(
    placeOptions(yargs)
      .positional('output', {
        type: 'string',
        demandOption: true,
        describe: 'what to write: a file that ends in .gguf, or a new folder; OUTPUT.receipt.json is written beside it',
      })
      .option('threads', integer('threads', 1, { describe: 'WebAssembly threads (default: all cores)' })),
  )
    .option('calibrate', {
      type: 'string',
      requiresArg: true,
      describe: 'a text file that methods look at activations of',
    })
    .option('evaluate', {
      type: 'string',
      requiresArg: true,
      describe: 'a text file to measure the loss on: perplexity, divergence, speed',
    })
    .option('window', integer('window', 3, { default: 512, describe: 'tokens of a window of that text' }))
    .option('windows', integer('windows', 1, { describe: 'how many of its windows (default: all)' }))
    .option(
      'sentences',
      integer('sentences', 2, {
        default: 500,
        describe: 'encoders: how many sentences of that text, spread evenly over it',
      }),
    )
    .option('dry-run', { type: 'boolean', default: false, describe: 'only say what every tensor would become' })
}

/** `optimize IN OUT`: applies a recipe, writes the model, measures what was lost and gained, and writes that beside it as a receipt. */
export async function optimize(args: OptimizeArguments, output: Output, signal: AbortSignal): Promise<void> {
  const began = performance.now()
  const asked = await recipeOf(args)
  await withFiles(args.model, output, signal, async (files) => {
    let target = await targetOf(files, kindOfOutput(args.output), asked)
    const describe = async (
      recipe: Recipe,
    ): Promise<{ readonly plan: RecipePlan; readonly notes: readonly string[] }> => {
      const plan = planRecipe(target.subject, recipe, { stored: subjectOfFiles(files).weights })
      describePlan(plan, output, args.dryRun)
      const notes = await planNotes(target.subject, recipe)
      for (const note of notes) output.note(note)
      return { plan, notes }
    }
    const planned = hasBudget(asked) ? undefined : await describe(asked)
    if (args.dryRun && planned) {
      output.result({ ...planned.plan, notes: planned.notes, classes: bytesByClass(planned.plan) })
      return
    }
    if (files.path !== undefined && `${resolve(args.output)}${sep}`.startsWith(`${resolve(files.path)}${sep}`))
      throw new TesseraError(
        'invalid-option',
        `optimize: ${args.output} is the input, or lies in it; name another place`,
      )
    const input = await hashInput(files)
    const device = await openDevice({ ...args, threads: args.threads ?? availableParallelism() })
    try {
      const settings = {
        device,
        threads: args.threads,
        output: args.output,
        inputHash: input.sha256,
        calibrate: args.calibrate,
        signal,
      }
      const heads = await headCalibrationOf(files, { ...settings, recipe: asked }, output)
      if (heads) target = await targetOf(files, kindOfOutput(args.output), asked, heads)
      const allocation = planned
        ? undefined
        : await allocateRecipe(files, target, { ...settings, recipe: asked }, output)
      const recipe = allocation?.recipe ?? asked
      const { plan, notes } = planned ?? (await describe(recipe))
      if (allocation)
        output.note(
          `budget ${allocation.budget} bytes: the file will have ${allocation.bytes}, the predicted divergence is ${allocation.loss.toPrecision(3)}`,
        )
      if (args.dryRun) {
        output.result({
          ...plan,
          notes,
          classes: bytesByClass(plan),
          budget: allocation?.budget,
          bytes: allocation?.bytes,
          predictedKld: allocation?.loss,
          recipe,
        })
        return
      }
      const applied = await runRecipe(files, target, { ...settings, recipe }, output)
      const written = await hashModel(args.output)
      if (allocation && written.bytes > allocation.budget)
        throw new TesseraError(
          'invalid-value',
          `optimize: ${args.output} has ${written.bytes} bytes where ${allocation.budget} were promised; this is a bug, please report it`,
        )
      const applySeconds = (performance.now() - began) / 1000
      const compared = { device, original: args.model, compressed: args.output, recipe, signal }
      const measured =
        args.evaluate === undefined
          ? undefined
          : target.subject.kind === 'encoder'
            ? await measureEmbeddings({ ...compared, text: args.evaluate, sentences: args.sentences }, output)
            : await measureQuality(
                { ...compared, text: args.evaluate, window: args.window, windows: args.windows },
                output,
              )
      const receipt: Receipt = {
        receipt: 1,
        input,
        output: written,
        ...(args.calibrate === undefined
          ? {}
          : {
              calibration: {
                ...(await hashFile(args.calibrate)),
                ...calibrationSizes(target.subject, recipe.calibration),
              },
            }),
        recipe,
        ...(allocation ? { budget: { bytes: allocation.budget, predictedKld: allocation.loss } } : {}),
        seed: recipe.seed ?? 0,
        versions: { tessera: ownVersion(), node: process.version },
        device: { kind: device.kind, name: device.name, kernels: device.kernelsUsed() },
        bytes: bytesByClass(plan),
        ...measured,
        peakRssBytes: process.resourceUsage().maxRSS * 1024,
        seconds: { apply: applySeconds, total: (performance.now() - began) / 1000 },
        notes: applied.notes,
      }
      await writeWhole(receiptPath(args.output), `${JSON.stringify(receipt, null, 2)}\n`)
      // Only now: what is kept saves the work of a run that ends before the receipt.
      await forgetWork(args.output)
      summarize(receipt, output)
      output.result(receipt)
    } finally {
      await device.dispose()
    }
  })
}

/** A text, seen when it is whole. */
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

function describePlan(plan: RecipePlan, output: Output, isResult: boolean): void {
  const say = isResult ? output.text : (text: string): void => output.note(text.trimEnd())
  if (isResult) {
    for (const { name, before, after, method } of plan.tensors)
      if (method !== undefined || before.format !== after.format)
        say(`${name}\t${before.format}\t${before.bytes}\t→ ${after.format}\t${after.bytes}\t${method ?? ''}\n`)
  }
  for (const [kind, { tensors, before, after }] of Object.entries(bytesByClass(plan)))
    say(`  ${kind.padEnd(10)} ${String(tensors).padStart(4)} tensors  ${formatBytes(before)} → ${formatBytes(after)}\n`)
  say(
    `  all        ${String(plan.tensors.length).padStart(4)} tensors  ${formatBytes(plan.bytesBefore)} → ${formatBytes(plan.bytesAfter)}\n`,
  )
}

function summarize(
  { input, output: written, quality, speed, embeddings, embeddingSpeed, seconds }: Receipt,
  output: Output,
): void {
  output.text(
    `${written.path}: ${formatBytes(input.bytes)} → ${formatBytes(written.bytes)} in ${seconds.apply.toFixed(1)} s\n`,
  )
  if (quality) {
    output.text(
      `perplexity ${quality.original.perplexity.toFixed(3)} → ${quality.compared.perplexity.toFixed(3)}, divergence ${quality.kld.toPrecision(3)} ± ${quality.kldStandardErrorClustered.toPrecision(2)}, the same most likely token in ${(100 * quality.top1Agreement).toFixed(1)} % of ${quality.tokens} places\n`,
    )
  }
  if (quality?.cacheBytes)
    output.text(
      `cache of ${quality.window - 1} tokens: ${formatBytes(quality.cacheBytes.original)} → ${formatBytes(quality.cacheBytes.compressed)}\n`,
    )
  if (embeddings) {
    output.text(
      `cosine ${embeddings.cosine.toFixed(5)} ± ${embeddings.cosineStandardError.toFixed(5)} to the original's vectors, at least ${embeddings.cosineMin.toFixed(5)}; rank correlation of similarities ${embeddings.spearman.toFixed(5)}, the same nearest sentence for ${(100 * embeddings.top1Agreement).toFixed(1)} % of ${embeddings.texts}\n`,
    )
  }
  if (embeddingSpeed)
    output.text(
      `${embeddingSpeed.before.sentencesPerSecond.toFixed(1)} → ${embeddingSpeed.after.sentencesPerSecond.toFixed(1)} sentences/s, ${embeddingSpeed.after.activations} activations\n`,
    )
  if (speed)
    output.text(
      `decode ${speed.before.decodeTokensPerSecond.toFixed(1)} → ${speed.after.decodeTokensPerSecond.toFixed(1)} tok/s, ${speed.after.activations} activations\n`,
    )
  output.text(
    `receipt in ${receiptPath(written.path)}${quality || embeddings ? '' : '; --evaluate TEXT adds what was lost'}\n`,
  )
}
