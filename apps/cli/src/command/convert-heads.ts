import { cutWindows } from '@tessera-llm/evaluation'
import {
  calibrateEncoderHeads,
  calibrateHeads,
  convertCheckpointHeads,
  type HeadCalibration,
  type HeadConversionOptions,
} from '@tessera-llm/optimize'
import { refuseInside, refuseUnlessFree } from '@tessera-llm/optimize/node'
import type { Embedder } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import { calibrationIds } from '@tessera-llm/tessera/node'
import type { Argv } from 'yargs'
import {
  contextFor,
  encoderConfigOf,
  integer,
  type ModelArguments,
  type ModelFiles,
  modelOptions,
  readTextFile,
  textOf,
  usualWindow,
  withEncoder,
  withFiles,
  withModel,
  writeModel,
} from '../open/index.ts'
import { formatBytes, type Output } from '../terminal/index.ts'

export interface ConvertHeadsArguments extends ModelArguments {
  readonly out: string
  readonly kvHeads: number
  readonly method: HeadConversionOptions['method']
  readonly calibrate: string | undefined
  /** Undefined for 512, or the model's context where that is less. */
  readonly window: number | undefined
  readonly windows: number
}

export function convertHeadsArguments(yargs: Argv) {
  return modelOptions(yargs, 'exact')
    .positional('out', {
      type: 'string',
      demandOption: true,
      describe: 'what to write: a GGUF file for a GGUF file, a new folder for a folder',
    })
    .option(
      'kv-heads',
      integer('kv-heads', 1, { demandOption: true, describe: 'KV heads afterwards; 1 is multi-query attention' }),
    )
    .option('method', {
      choices: ['mean', 'first', 'activation', 'principal'] as const,
      default: 'principal' as const,
      describe:
        'average neighbours; keep the first of them; align heads by their activations and average them; or keep the principal components of their activations, which loses least',
    })
    .option('calibrate', {
      type: 'string',
      requiresArg: true,
      describe: 'a text file, or a .jsonl file of samples, which the methods activation and principal read',
    })
    .option(
      'window',
      integer('window', 3, { describe: 'calibration: tokens a window (default: 512, or the context of the model)' }),
    )
    .option('windows', integer('windows', 1, { default: 8, describe: 'calibration: how many windows' }))
}

/** `convert-heads MODEL OUT --kv-heads N`: a copy of the model with fewer key-value heads in every layer. */
export async function convertHeads(args: ConvertHeadsArguments, output: Output, signal: AbortSignal): Promise<void> {
  const { method, calibrate, kvHeads, out } = args
  const readsText = method === 'activation' || method === 'principal'
  if (readsText && calibrate === undefined)
    throw new TesseraError(
      'invalid-option',
      `--method ${method} needs --calibrate TEXT, a text file like those that the model will read; --method mean needs none`,
    )
  if (!readsText && calibrate !== undefined)
    throw new TesseraError(
      'invalid-option',
      `--calibrate is for the methods activation and principal; ${method} reads no text`,
    )
  await withFiles(args.model, output, signal, async (files) => {
    // Checks the output folder before the model runs for minutes.
    if (files.folder) {
      refuseInside(files.folder.path, out)
      await refuseUnlessFree(out)
    }
    const options = { numKvHeads: kvHeads, config: files.folder?.config }
    // Checks the head count before the model runs, by the method that needs no calibration.
    convertCheckpointHeads(files.checkpoint, { ...options, method: 'mean' })
    const calibration = calibrate === undefined ? undefined : await calibrateOn(calibrate, files, args, output, signal)
    const converted = convertCheckpointHeads(files.checkpoint, { ...options, method, calibration })
    const progress = output.progress('writing')
    try {
      await writeModel(files, out, converted, { signal, onProgress: (done, total) => progress.report(done, total) })
    } finally {
      progress.end()
    }
    const { numHeads, numKvHeads, replacedFormats, cacheValuesPerToken } = converted
    const cacheBytesPerToken = { before: 2 * cacheValuesPerToken.before, after: 2 * cacheValuesPerToken.after }
    if (replacedFormats.length > 0)
      output.note(`${replacedFormats.join(' and ')} can be read and not made: changed tensors are stored as f16`)
    output.text(
      `${out}: ${numKvHeads.before} → ${numKvHeads.after} KV heads for ${numHeads} query heads (${method}), ${formatBytes(cacheBytesPerToken.before)} → ${formatBytes(cacheBytesPerToken.after)} of f16 keys and values a token\n`,
    )
    if (numKvHeads.after < numKvHeads.before)
      output.note(
        `merged heads lose much until the model is trained again${encoderConfigOf(files) ? '' : `: tessera eval ${out} --against ${args.model} --text FILE tells how much`}`,
      )
    output.result({
      out,
      method,
      numHeads,
      numKvHeads,
      cacheBytesPerToken,
      replacedFormats,
      calibrationTokens: calibration?.tokens ?? 0,
    })
  })
}

async function calibrateOn(
  path: string,
  files: ModelFiles,
  args: ConvertHeadsArguments,
  output: Output,
  signal: AbortSignal,
): Promise<HeadCalibration> {
  const text = textOf(files)
  const { tokenizer } = text
  const { windows } = args
  const progress = output.progress('calibrating')
  const options = { signal, onProgress: (done: number, total: number) => progress.report(done, total) }
  try {
    const encoder = encoderConfigOf(files)
    if (encoder) {
      const { window = 512 } = args
      const longest = Math.min(window, encoder.contextLength)
      const sequences = passages(
        await readTextFile('calibrate', path),
        (passage) => tokenizer.encode(passage),
        longest,
        windows * window,
      )
      return await withEncoder(files, args, output, signal, ({ embedder }) =>
        calibrateEncoderHeads((embedder as Embedder).encoder, sequences, options),
      )
    }
    const { window = usualWindow(files) } = args
    const cuts = cutWindows(await calibrationIds(text, path, { addSpecial: true }), {
      window,
      windows,
      bosId: tokenizer.addBos ? tokenizer.bosId : undefined,
    })
    const contextLength = contextFor(files, args, {
      what: `a calibration window of ${window}`,
      least: window,
      remedy: 'use a smaller --window',
    })
    return await withModel(files, args, { contextLength, text }, output, signal, ({ session }) =>
      calibrateHeads(session.model, cuts, options),
    )
  } finally {
    progress.end()
  }
}

/** Token ids of the lines of a text that are at most `longest` tokens, until they have `tokens` tokens in all. */
function passages(
  text: string,
  encode: (passage: string) => readonly number[],
  longest: number,
  tokens: number,
): (readonly number[])[] {
  const sequences: (readonly number[])[] = []
  let count = 0
  for (const line of text.split('\n')) {
    if (line.trim() === '' || count >= tokens) continue
    const ids = encode(line)
    if (ids.length > longest) continue
    sequences.push(ids)
    count += ids.length
  }
  return sequences
}
