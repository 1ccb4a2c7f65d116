import type { EmbedWorkload, Metric } from './workload.ts'

const rate: readonly Metric[] = [{ name: 'rate', unit: 'texts/s', better: 'higher' }]

/**
 * Word counts of 32 sentences of WikiText-2's test part, as `spreadOver(sentencesOf(text), 32)` of the package
 * evaluation picks them.
 */
const sentenceWords = [
  12, 17, 37, 9, 6, 18, 20, 12, 9, 32, 10, 23, 16, 19, 13, 32, 47, 6, 32, 14, 61, 17, 18, 16, 23, 23, 29, 25, 9, 14, 21,
  15,
]

const sets = [
  { name: 'short', title: '64 texts of 8 words', wordsOfTexts: Array.from({ length: 64 }, () => 8) },
  { name: 'sentences', title: '32 sentences of 6 to 61 words', wordsOfTexts: sentenceWords },
  { name: 'paragraphs', title: '8 paragraphs of 100 words', wordsOfTexts: Array.from({ length: 8 }, () => 100) },
] as const

/** Texts of equal lengths, where padding costs nothing, and of different lengths. */
export function embedWorkloads(folder: string): readonly EmbedWorkload[] {
  return [1, 2].flatMap((threads) =>
    (['f32', 'int8', 'q5_0'] as const).flatMap((precision) =>
      sets.map(
        ({ name, title, wordsOfTexts }): EmbedWorkload => ({
          kind: 'embed',
          id: `embed-${precision}-${name}-${threads}t`,
          title: `${precision === 'q5_0' ? 'q5_0 beside int8' : precision}, ${title}`,
          threads,
          metrics: rate,
          folder,
          precision,
          wordsOfTexts,
        }),
      ),
    ),
  )
}

/** Consecutive texts of so many words each. */
export function textsOf({ wordsOfTexts }: EmbedWorkload, text: string): readonly string[] {
  const words = text.split(/\s+/).filter((word) => word !== '')
  let at = 0
  return wordsOfTexts.map((count) => words.slice(at, (at += count)).join(' '))
}

/** A participant's answer: the cosines between the first text and at most eight others. */
export function similaritiesOf(vectors: readonly ArrayLike<number>[]): readonly number[] {
  const [first, ...others] = vectors.slice(0, 9).map(normalized)
  return others.map((other) => other.reduce((sum, value, index) => sum + value * (first?.[index] ?? 0), 0))
}

/**
 * Describes the error of similarities, or returns undefined; `exact` are those of the original weights in f32. Rounding
 * may change them by 0.05.
 */
export function problemOfSimilarities(
  { precision }: EmbedWorkload,
  answer: readonly number[] | undefined,
  exact: readonly number[],
): string | undefined {
  if (answer?.length !== exact.length) return `gave ${answer?.length ?? 'no'} similarities, not ${exact.length}`
  const allowed = precision === 'f32' ? 1e-4 : 0.05
  const at = answer.findIndex((value, index) => !(Math.abs(value - (exact[index] as number)) <= allowed))
  return at < 0
    ? undefined
    : `computed a similarity of ${answer[at]} where it is ${exact[at]} (texts 0 and ${at + 1}; allowed ± ${allowed})`
}

function normalized(vector: ArrayLike<number>): readonly number[] {
  const values = Array.from(vector)
  const length = Math.hypot(...values)
  return values.map((value) => value / length)
}
