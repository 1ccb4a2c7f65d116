import { bytesByClass, type Receipt } from '@tessera-llm/optimize'
import { type ModelPlan, optimizeModel, planModel, receiptPath } from '@tessera-llm/tessera/node'
import type { Argv } from 'yargs'
import { deviceOptions } from '../open/device.ts'
import { integer, type ModelArguments, placeOptions } from '../open/index.ts'
import { type RecipeArguments, recipeOf, recipeOptions } from '../optimize/index.ts'
import { followPhases, formatBytes, type Output } from '../terminal/index.ts'

export interface OptimizeArguments extends Pick<ModelArguments, 'model' | 'device' | 'threads'>, RecipeArguments {
  readonly output: string
  readonly calibrate: string | undefined
  readonly evaluate: string | undefined
  readonly window: number | undefined
  readonly windows: number | undefined
  /** Number of sentences to evaluate on; encoders only. */
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
      describe:
        'a text file that methods look at activations of, or a .jsonl file of one sample a line: a string, {"text"} or {"messages"}',
    })
    .option('evaluate', {
      type: 'string',
      requiresArg: true,
      describe: 'a text file to measure the loss on: perplexity, divergence, speed',
    })
    .option(
      'window',
      integer('window', 3, { describe: 'tokens of a window of that text (default: 512, or the context of the model)' }),
    )
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

/**
 * `optimize IN OUT`: applies a recipe, writes the model, measures the change in quality and speed, and writes both
 * beside the model as a receipt.
 */
export async function optimize(args: OptimizeArguments, output: Output, signal: AbortSignal): Promise<void> {
  const { model: input, calibrate: calibration, evaluate: text, window, windows, sentences } = args
  const phases = followPhases(output)
  const asked = {
    ...(await deviceOptions(args)),
    ...phases.listeners,
    input,
    output: args.output,
    recipe: await recipeOf(args),
    calibration,
    signal,
  }
  const onPlan = (planned: ModelPlan): void => {
    phases.end()
    describePlan(planned, output, args.dryRun)
  }
  if (args.dryRun) {
    const planned = await planModel(asked).finally(phases.end)
    onPlan(planned)
    output.result(planOfResult(planned))
    return
  }
  const evaluation = text === undefined ? undefined : { text, window, windows, sentences }
  const receipt = await optimizeModel({ ...asked, evaluation, onPlan }).finally(phases.end)
  summarize(receipt, output)
  output.result(receipt)
}

function planOfResult({ plan, notes, recipe, allocation }: ModelPlan): object {
  return {
    ...plan,
    notes,
    classes: bytesByClass(plan),
    ...(allocation && { budget: allocation.budget, bytes: allocation.bytes, predictedKld: allocation.loss, recipe }),
  }
}

function describePlan({ plan, notes, allocation }: ModelPlan, output: Output, isResult: boolean): void {
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
  for (const note of notes) output.note(note)
  if (allocation)
    output.note(
      `budget ${allocation.budget} bytes: the file will have ${allocation.bytes}, the predicted divergence is ${allocation.loss.toPrecision(3)}`,
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
