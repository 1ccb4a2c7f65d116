import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agreesWithin, embeddingsAgreeWithin, type Receipt, type ReceiptFile } from '@tessera-llm/optimize'
import { hashFile, hashModel } from '@tessera-llm/optimize/node'
import { type Device, TesseraError } from '@tessera-llm/tensor'
import { headCalibrationOf } from './head-calibration.ts'
import type { Listeners } from './listeners.ts'
import { measureEmbeddings } from './measure-embeddings.ts'
import { measureQuality } from './measure-quality.ts'
import { type OptimizeModelOptions, withDeviceOf } from './options.ts'
import { inputOf } from './plan-model.ts'
import { runRecipe } from './run-recipe.ts'
import { kindOfOutput, targetOf } from './target.ts'
import { withTools } from './tools.ts'
import { withModelFiles } from './with-model-files.ts'

/** Options of `verifyReceipt`. */
export interface VerifyReceiptOptions extends Listeners, Pick<OptimizeModelOptions, 'device' | 'gpu' | 'threads'> {}

/** Result of a successful verification. */
export interface Verified {
  /** Whether the output has the same bytes. */
  readonly sameBytes: boolean
  readonly sha256: string
  /** The divergence, or for an encoder the mean cosine, measured again if equal bytes are no proof or bytes differ. */
  readonly kld?: number | undefined
  readonly cosine?: number | undefined
  /** Distance from the receipt's figure, and the allowed two standard errors. */
  readonly difference?: number | undefined
  readonly allowed?: number | undefined
  /** The result as a sentence. */
  readonly told: string
}

/**
 * Applies the recipe of a receipt again to the same input and compares the bytes. If they differ (another build or kind
 * of device), compares the divergence within two standard errors.
 *
 * @throws TesseraError `invalid-value` if neither agrees, or if an input file has changed since the receipt
 */
export async function verifyReceipt(receipt: Receipt, options: VerifyReceiptOptions = {}): Promise<Verified> {
  const { recipe, input, output, calibration } = receipt
  const { onProgress, onNote, signal } = options
  await same('input', input, (path) => withModelFiles(path, options, (files) => inputOf(files)))
  if (calibration) await same('calibration text', calibration)
  const evaluated = receipt.quality ?? receipt.embeddings
  if (evaluated) await same('evaluation text', evaluated.text)
  const folder = await mkdtemp(join(tmpdir(), 'tessera-verify-'))
  try {
    return await withDeviceOf(options, async (device) => {
      const kind = kindOfOutput(output.path)
      const again = join(folder, kind === 'gguf' ? 'again.gguf' : 'again')
      await withModelFiles(input.path, options, async (files) => {
        const settings = {
          recipe,
          device,
          threads: options.threads,
          output: again,
          inputHash: input.sha256,
          calibration: calibration?.path,
          signal,
          onProgress,
          onNote,
        }
        const target = await targetOf(files, kind, recipe, await headCalibrationOf(files, settings))
        await withTools(files, target.subject.kind, settings, (tools) => runRecipe(target, { ...settings, tools }))
      })
      const { sha256 } = await hashModel(again)
      const sameBytes = sha256 === output.sha256
      // Equal bytes do not cover run-time settings that the file does not state: the cache, and in GGUF files the
      // rounding of inputs.
      const isRounded = kind === 'gguf' && (recipe.activations ?? 'f32') !== 'f32'
      if (sameBytes && !((recipe.cache || isRounded) && evaluated))
        return { sameBytes, sha256, told: `the same ${output.bytes} bytes (SHA-256 ${sha256})` }
      const measure = receipt.embeddings ? compareVectors : compareQuality
      return measure(receipt, again, { device, sha256, sameBytes, signal, onProgress, onNote })
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Again extends Listeners {
  readonly device: Device
  readonly sha256: string
  readonly sameBytes: boolean
}

async function compareQuality(
  { input, quality, recipe, device: before }: Receipt,
  compressed: string,
  { device, sha256, sameBytes, ...listeners }: Again,
): Promise<Verified> {
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
  const measured = await measureQuality({
    ...listeners,
    device,
    original: input.path,
    compressed,
    text,
    window,
    windows,
    recipe,
  })
  const { agrees, difference, allowed } = agreesWithin(quality, measured.quality)
  const told = `divergence ${measured.quality.kld.toPrecision(3)}, in the receipt ${quality.kld.toPrecision(3)}: ${difference.toPrecision(2)} apart, two standard errors are ${allowed.toPrecision(2)}`
  if (!agrees)
    throw new TesseraError(
      'invalid-value',
      `verify: ${sameBytes ? 'the same' : 'other'} bytes came out, and the quality differs: ${told}`,
    )
  return {
    sameBytes,
    sha256,
    kld: measured.quality.kld,
    difference,
    allowed,
    told: `within two standard errors: ${sameBytes ? 'the same bytes' : `other bytes (made on ${before.name}, this is ${device.name})`}, ${told}`,
  }
}

async function compareVectors(
  { input, embeddings, recipe, device: before }: Receipt,
  compressed: string,
  { device, sha256, sameBytes, ...listeners }: Again,
): Promise<Verified> {
  if (!embeddings) throw new TesseraError('invalid-value', 'verify: the receipt holds no vectors to compare')
  const {
    text: { path: text },
    texts: sentences,
  } = embeddings
  const measured = await measureEmbeddings({
    ...listeners,
    device,
    original: input.path,
    compressed,
    text,
    sentences,
    recipe,
  })
  const { agrees, difference, allowed } = embeddingsAgreeWithin(embeddings, measured.embeddings)
  const told = `cosine ${measured.embeddings.cosine.toFixed(5)}, in the receipt ${embeddings.cosine.toFixed(5)}: ${difference.toPrecision(2)} apart, two standard errors are ${allowed.toPrecision(2)}`
  if (!agrees) throw new TesseraError('invalid-value', `verify: other bytes came out, and the vectors differ: ${told}`)
  return {
    sameBytes,
    sha256,
    cosine: measured.embeddings.cosine,
    difference,
    allowed,
    told: `within two standard errors: other bytes (made on ${before.name}, this is ${device.name}), ${told}`,
  }
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
