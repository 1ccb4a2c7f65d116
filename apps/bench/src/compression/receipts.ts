import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isBlockLinear, parseReceipt, planRecipe, type Receipt, type Recipe, type Subject } from '@tessera-llm/optimize'
import { sizeOf } from '@tessera-llm/tensor'
import type { MeasuredRow } from './report.ts'

/** Rows from a folder's receipts that belong to this model and protocol and have a named recipe. */
export function rowsOfReceipts(
  folder: string,
  subject: Subject,
  model: string,
  window: number,
  windows: number,
): readonly MeasuredRow[] {
  const receipts = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => parseReceipt(readFileSync(join(folder, name), 'utf8')))
  return receipts.flatMap((receipt) => {
    const { quality, input, recipe } = receipt
    const fits =
      input.sha256 === model &&
      quality?.window === window &&
      quality.windows === windows &&
      quality.protocol === 'all' &&
      quality.activations === 'f32'
    return fits && recipe.name !== undefined ? [rowOf(receipt, recipe.name, subject)] : []
  })
}

function rowOf({ recipe, output, quality, seconds, notes }: Receipt, id: string, subject: Subject): MeasuredRow {
  const { kld, kldStandardErrorClustered, compared, top1Agreement, tokens } = quality as NonNullable<Receipt['quality']>
  return {
    id,
    recipe,
    ...sizesOf(subject, recipe),
    fileBytes: output.bytes,
    kld,
    kldStandardError: kldStandardErrorClustered,
    perplexity: compared.perplexity,
    top1Agreement,
    tokens,
    seconds: { apply: seconds.apply },
    notes,
    isReceipt: true,
  }
}

/** Number of weights that a recipe covers, including layers that it keeps, and their bytes afterwards. */
export function sizesOf(
  subject: Subject,
  recipe: Recipe,
): Pick<MeasuredRow, 'weights' | 'bytes' | 'fileBytes' | 'bitsPerWeight' | 'hasEmbedding'> {
  const { tensors, bytesAfter } = planRecipe(subject, recipe)
  const compressed = tensors.filter(({ name, method }) => method !== undefined || isBlockLinear(name))
  const weights = compressed.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  const bytes = compressed.reduce((sum, { after }) => sum + after.bytes, 0)
  const hasEmbedding = compressed.some(({ name }) => !isBlockLinear(name)) ? { hasEmbedding: true as const } : {}
  return { weights, bytes, fileBytes: bytesAfter, bitsPerWeight: (8 * bytes) / weights, ...hasEmbedding }
}
