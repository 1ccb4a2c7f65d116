import type { GgmlFormat, Mix } from '../recipe/index.ts'

/** Input of a rule. */
export interface Place {
  /** Index of the weight among those of its kind, in the order of layers, and their number. */
  readonly index: number
  readonly count: number
  /** Query heads that share a key-value head. */
  readonly headsPerGroup: number
}

type Rule = (place: Place) => GgmlFormat

/** Formats of a mix; the base for matrices without a rule. */
export interface MixRules {
  readonly base: GgmlFormat
  readonly value?: Rule
  readonly down?: Rule
  readonly output?: Rule
  /** Query, key and value in one matrix. */
  readonly fused?: Rule
  /** `general.file_type` of a GGUF file. */
  readonly fileType: number
}

/** Whether a layer is in the first or the last eighth, or one of every third between. */
const hasMoreBits = ({ index, count }: Place): boolean => {
  const eighth = Math.floor(count / 8)
  return index < eighth || index >= Math.floor((7 * count) / 8) || (index - eighth) % 3 === 2
}
const always =
  (format: GgmlFormat): Rule =>
  () =>
    format
const first =
  (format: GgmlFormat, count: number, rest: GgmlFormat): Rule =>
  ({ index }) =>
    index < count ? format : rest
/** `format` for the first of `parts` equal parts of the layers, `rest` for the others. */
const firstPart =
  (format: GgmlFormat, parts: number, rest: GgmlFormat): Rule =>
  ({ index, count }) =>
    index < Math.floor(count / parts) ? format : rest
const more =
  (format: GgmlFormat, rest: GgmlFormat): Rule =>
  (place) =>
    hasMoreBits(place) ? format : rest

/** The mixed types of llama.cpp's quantizer (`llama-quant.cpp`), which published files are named after. */
export const mixRules: Readonly<Record<Mix, MixRules>> = {
  q2_k: {
    base: 'q2_k',
    value: ({ headsPerGroup }) => (headsPerGroup >= 4 ? 'q4_k' : 'q3_k'),
    down: always('q3_k'),
    output: always('q3_k'),
    fileType: 10,
  },
  q3_k_s: { base: 'q3_k', fileType: 11 },
  q3_k_m: {
    base: 'q3_k',
    value: first('q5_k', 2, 'q4_k'),
    down: firstPart('q5_k', 16, 'q4_k'),
    output: always('q4_k'),
    fused: always('q4_k'),
    fileType: 12,
  },
  q3_k_l: {
    base: 'q3_k',
    value: always('q5_k'),
    down: always('q5_k'),
    output: always('q5_k'),
    fused: always('q4_k'),
    fileType: 13,
  },
  q4_k_s: { base: 'q4_k', value: first('q5_k', 4, 'q4_k'), down: firstPart('q5_k', 8, 'q4_k'), fileType: 14 },
  q4_k_m: {
    base: 'q4_k',
    value: more('q6_k', 'q4_k'),
    down: more('q6_k', 'q4_k'),
    fused: always('q5_k'),
    fileType: 15,
  },
  q5_k_s: { base: 'q5_k', fileType: 16 },
  q5_k_m: {
    base: 'q5_k',
    value: more('q6_k', 'q5_k'),
    down: more('q6_k', 'q5_k'),
    fused: always('q6_k'),
    fileType: 17,
  },
  q6_k: { base: 'q6_k', fileType: 18 },
}
