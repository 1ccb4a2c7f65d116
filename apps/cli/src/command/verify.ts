import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  agreesWithin,
  embeddingsAgreeWithin,
  parseReceipt,
  type Receipt,
  type ReceiptFile,
} from '@tessera-llm/optimize'
import { TesseraError } from '@tessera-llm/tensor'
import type { Argv } from 'yargs'
import { openDevice } from '../open/device.ts'
import { integer, type ModelArguments, withFiles } from '../open/index.ts'
import {
  hashFile,
  hashInput,
  hashModel,
  headCalibrationOf,
  kindOfOutput,
  measureEmbeddings,
  measureQuality,
  runRecipe,
  targetOf,
} from '../optimize/index.ts'
import type { Output } from '../terminal/index.ts'

export interface VerifyArguments extends Pick<ModelArguments, 'device' | 'threads'> {
  readonly receipt: string
}

export function verifyArguments(yargs: Argv) {
  return yargs
    .positional('receipt', { type: 'string', demandOption: true, describe: 'the receipt that optimize wrote' })
    .option('device', {
      choices: ['auto', 'wasm', 'webgpu', 'reference'] as const,
      default: 'auto' as const,
      describe: 'where to compute',
    })
    .option('threads', integer('threads', 1, { describe: 'WebAssembly threads (default: all cores)' }))
    .option('json', {
      type: 'boolean',
      default: false,
      describe: 'print one JSON object on stdout, everything else on stderr',
    })
}

/**
 * `verify RECEIPT`: applies the recipe again to the same input and says whether the same bytes come out; where they do not (another
 * build, another kind of device), whether the divergence is the same within two standard errors. Fails where neither holds.
 */
export async function verify(args: VerifyArguments, output: Output, signal: AbortSignal): Promise<void> {
  const receipt = parseReceipt(await readReceipt(args.receipt))
  await same('input', receipt.input, (path) => withFiles(path, output, signal, hashInput))
  if (receipt.calibration) await same('calibration text', receipt.calibration)
  const evaluated = receipt.quality ?? receipt.embeddings
  if (evaluated) await same('evaluation text', evaluated.text)
  const folder = await mkdtemp(join(tmpdir(), 'tessera-verify-'))
  const device = await openDevice({ ...args, threads: args.threads ?? availableParallelism() })
  try {
    const kind = kindOfOutput(receipt.output.path)
    const again = join(folder, kind === 'gguf' ? 'again.gguf' : 'again')
    const { recipe } = receipt
    await withFiles(receipt.input.path, output, signal, async (files) => {
      const settings = {
        recipe,
        device,
        threads: args.threads,
        output: again,
        inputHash: receipt.input.sha256,
        calibrate: receipt.calibration?.path,
        signal,
      }
      await runRecipe(
        files,
        await targetOf(files, kind, recipe, await headCalibrationOf(files, settings, output)),
        settings,
        output,
      )
    })
    const { sha256 } = await hashModel(again)
    const sameBytes = sha256 === receipt.output.sha256
    // How the cache is kept is not in the bytes.
    if (sameBytes && !(recipe.cache && receipt.quality)) {
      output.text(`verified: the same ${receipt.output.bytes} bytes (SHA-256 ${sha256})\n`)
      output.result({ verified: true, sameBytes, sha256 })
      return
    }
    await (receipt.embeddings ? compareVectors : compareQuality)(
      receipt,
      again,
      { device, signal, sha256, sameBytes },
      output,
    )
  } finally {
    await device.dispose()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Again {
  readonly device: Parameters<typeof measureQuality>[0]['device']
  readonly signal: AbortSignal
  readonly sha256: string
  readonly sameBytes: boolean
}

async function compareQuality(
  { input, quality, recipe, device: before }: Receipt,
  compressed: string,
  { device, signal, sha256, sameBytes }: Again,
  output: Output,
): Promise<void> {
  if (!quality)
    throw new TesseraError(
      'invalid-value',
      `verify: other bytes came out (SHA-256 ${sha256}) than the receipt has, and it holds no divergence to compare; it was made on ${before.name}, this is ${device.name}`,
    )
  const {
    text: { path: text },
    window,
    windows,
  } = quality
  const measured = await measureQuality(
    { device, original: input.path, compressed, text, window, windows, recipe, signal },
    output,
  )
  const { agrees, difference, allowed } = agreesWithin(quality, measured.quality)
  const told = `divergence ${measured.quality.kld.toPrecision(3)}, in the receipt ${quality.kld.toPrecision(3)}: ${difference.toPrecision(2)} apart, two standard errors are ${allowed.toPrecision(2)}`
  if (!agrees)
    throw new TesseraError(
      'invalid-value',
      `verify: ${sameBytes ? 'the same' : 'other'} bytes came out, and the quality differs: ${told}`,
    )
  output.text(
    `verified within two standard errors: ${sameBytes ? 'the same bytes' : `other bytes (made on ${before.name}, this is ${device.name})`}, ${told}\n`,
  )
  output.result({ verified: true, sameBytes, sha256, kld: measured.quality.kld, difference, allowed })
}

async function compareVectors(
  { input, embeddings, recipe, device: before }: Receipt,
  compressed: string,
  { device, signal, sha256, sameBytes }: Again,
  output: Output,
): Promise<void> {
  if (!embeddings) throw new TesseraError('invalid-value', 'verify: the receipt holds no vectors to compare')
  const {
    text: { path: text },
    texts: sentences,
  } = embeddings
  const measured = await measureEmbeddings(
    { device, original: input.path, compressed, text, sentences, recipe, signal },
    output,
  )
  const { agrees, difference, allowed } = embeddingsAgreeWithin(embeddings, measured.embeddings)
  const told = `cosine ${measured.embeddings.cosine.toFixed(5)}, in the receipt ${embeddings.cosine.toFixed(5)}: ${difference.toPrecision(2)} apart, two standard errors are ${allowed.toPrecision(2)}`
  if (!agrees) throw new TesseraError('invalid-value', `verify: other bytes came out, and the vectors differ: ${told}`)
  output.text(
    `verified within two standard errors: other bytes (made on ${before.name}, this is ${device.name}), ${told}\n`,
  )
  output.result({ verified: true, sameBytes, sha256, cosine: measured.embeddings.cosine, difference, allowed })
}

async function same(
  what: string,
  expected: ReceiptFile,
  hash: (path: string) => Promise<ReceiptFile> = hashFile,
): Promise<void> {
  const { sha256 } = await hash(expected.path)
  if (sha256 !== expected.sha256)
    throw new TesseraError(
      'invalid-value',
      `verify: the ${what} ${expected.path} is another file than the receipt was made with (SHA-256 ${sha256} instead of ${expected.sha256})`,
    )
}

async function readReceipt(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new TesseraError(
      'not-found',
      `verify: ${path} cannot be read (${cause instanceof Error ? cause.message : String(cause)})`,
      { cause },
    )
  }
}
