import type { DecoderSubject } from '../subject/index.ts'
import type { ModelWeight } from '../weights/index.ts'

/**
 * Ids of at most `most` tokens with the largest probability, summed over rows of logits [rows, vocabulary], ascending.
 */
export function likelyTokens(logits: Float32Array, vocabulary: number, most: number): Int32Array {
  const all = Int32Array.from({ length: vocabulary }, (_, id) => id)
  if (vocabulary <= most) return all
  const mass = new Float64Array(vocabulary)
  for (let from = 0; from < logits.length; from += vocabulary) {
    const row = logits.subarray(from, from + vocabulary)
    const top = row.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)
    let sum = 0
    for (const value of row) sum += Math.exp(value - top)
    for (let id = 0; id < vocabulary; id++) mass[id] = (mass[id] as number) + Math.exp((row[id] as number) - top) / sum
  }
  return all
    .sort((a, b) => (mass[b] as number) - (mass[a] as number))
    .slice(0, most)
    .sort()
}

/** The rows `ids` of a matrix. */
export function rowsOf(values: Float32Array, columns: number, ids: Int32Array): Float32Array {
  const picked = new Float32Array(ids.length * columns)
  for (const [row, id] of ids.entries()) picked.set(values.subarray(id * columns, (id + 1) * columns), row * columns)
  return picked
}

/** The model with its vocabulary restricted to these tokens, whose logits are unchanged. */
export function withVocabulary(subject: DecoderSubject, ids: Int32Array): DecoderSubject {
  const { vocabSize } = subject.config
  const cut = (weight: ModelWeight): ModelWeight => ({
    ...weight,
    shape: [ids.length, ...weight.shape.slice(1)],
    async read(signal) {
      return rowsOf(await weight.read(signal), weight.shape[1] ?? 1, ids) as Float32Array<ArrayBuffer>
    },
  })
  return {
    ...subject,
    config: { ...subject.config, vocabSize: ids.length },
    weights: new Map(
      [...subject.weights].map(([name, weight]) => [
        name,
        /^(embedding|head)\b/.test(name) && weight.shape[0] === vocabSize ? cut(weight) : weight,
      ]),
    ),
  }
}
