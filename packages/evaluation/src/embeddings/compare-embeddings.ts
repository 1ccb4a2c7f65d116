import { TesseraError } from '@tessera-llm/tensor'
import { meanWithErrors } from '../statistics/index.ts'
import { rankCorrelation } from './rank-correlation.ts'

/** Agreement of an encoder's vectors with those of the encoder it was derived from, on the same texts. */
export interface EmbeddingAgreement {
  /** Mean over texts of the cosine between a text's two vectors. */
  readonly cosine: number
  /** Standard error of `cosine`, with texts as independent samples. NaN for one text. */
  readonly cosineStandardError: number
  /** Smallest cosine. */
  readonly cosineMin: number
  /**
   * Spearman's rank correlation between the cosine similarities of all text pairs by one encoder and by the other. NaN
   * for fewer than two pairs, or if one encoder's similarities are all equal.
   */
  readonly spearman: number
  readonly pairs: number
  /** Fraction of texts, 0 … 1, for which both encoders give the same nearest other text. NaN for one text. */
  readonly top1Agreement: number
  /** Mean fraction of the ten nearest other texts that both encoders share. NaN for ten other texts or fewer. */
  readonly top10Overlap: number
  readonly texts: number
}

/**
 * Compares two vectors f32[D] per text: `original[i]` and `compared[i]` belong to text i. Time and memory are quadratic
 * in the texts: about 3 seconds for 2000 texts of 384 dimensions. Sums are float64. A zero vector has cosine 0 to all
 * others.
 *
 * @throws TesseraError `invalid-shape` for lists or vectors of different lengths, `invalid-value` for empty lists and
 * vectors without finite values
 */
export function compareEmbeddings(
  original: readonly Float32Array[],
  compared: readonly Float32Array[],
): EmbeddingAgreement {
  const texts = original.length
  if (texts === 0) throw new TesseraError('invalid-value', 'compareEmbeddings: there is no text to compare by')
  if (compared.length !== texts)
    throw new TesseraError(
      'invalid-shape',
      `compareEmbeddings: ${texts} vectors cannot be compared with ${compared.length}; give both models the same texts`,
    )
  const [before, after] = [unitVectors(original, 'original'), unitVectors(compared, 'compared')]
  const [first, second] = [before[0] as Float64Array, after[0] as Float64Array]
  if (first.length !== second.length)
    throw new TesseraError(
      'invalid-shape',
      `compareEmbeddings: vectors of ${first.length} dimensions cannot be compared with those of ${second.length}`,
    )
  const cosines = Float64Array.from(before, (vector, text) => dot(vector, after[text] as Float64Array))
  const { mean, standardError } = meanWithErrors([cosines])
  const [similarBefore, similarAfter] = [similarities(before), similarities(after)]
  const neighbours = Array.from(
    { length: texts },
    (_, text) => [nearest(similarBefore, texts, text), nearest(similarAfter, texts, text)] as const,
  )
  return {
    cosine: mean,
    cosineStandardError: standardError,
    cosineMin: cosines.reduce((least, value) => Math.min(least, value)),
    spearman: rankCorrelation(similarBefore, similarAfter),
    pairs: similarBefore.length,
    top1Agreement: texts > 1 ? neighbours.filter(([a, b]) => a[0] === b[0]).length / texts : Number.NaN,
    top10Overlap:
      texts > 11
        ? neighbours.reduce((sum, [a, b]) => sum + a.filter((text) => b.includes(text)).length, 0) / (10 * texts)
        : Number.NaN,
    texts,
  }
}

function unitVectors(vectors: readonly Float32Array[], which: string): readonly Float64Array[] {
  const [{ length: dimensions } = { length: 0 }] = vectors
  return vectors.map((vector, text) => {
    if (vector.length !== dimensions)
      throw new TesseraError(
        'invalid-shape',
        `compareEmbeddings: ${which} vector ${text} has ${vector.length} dimensions, the first has ${dimensions}`,
      )
    const values = Float64Array.from(vector)
    const length = Math.sqrt(dot(values, values))
    if (!Number.isFinite(length))
      throw new TesseraError(
        'invalid-value',
        `compareEmbeddings: ${which} vector ${text} holds NaN or infinities; the model overflows on this text`,
      )
    return length > 0 ? values.map((value) => value / length) : values
  })
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}

/** Similarities of all pairs i < j, row by row. */
function similarities(vectors: readonly Float64Array[]): Float64Array {
  const out = new Float64Array((vectors.length * (vectors.length - 1)) / 2)
  let at = 0
  for (const [i, vector] of vectors.entries())
    for (let j = i + 1; j < vectors.length; j++) out[at++] = dot(vector, vectors[j] as Float64Array)
  return out
}

/** The ten nearest other texts, nearest first; ties go to the earlier text. */
function nearest(pairs: Float64Array, texts: number, text: number): readonly number[] {
  const similarity = (other: number): number => {
    const [low, high] = [Math.min(text, other), Math.max(text, other)]
    return pairs[low * texts - (low * (low + 1)) / 2 + high - low - 1] as number
  }
  const kept: { readonly other: number; readonly similar: number }[] = []
  for (let other = 0; other < texts; other++) {
    if (other === text) continue
    const similar = similarity(other)
    if (kept.length === 10 && similar <= (kept[9]?.similar ?? 0)) continue
    kept.splice(kept.findLastIndex((each) => each.similar >= similar) + 1, 0, { other, similar })
    if (kept.length > 10) kept.pop()
  }
  return kept.map(({ other }) => other)
}
