import { storageFormat } from '@tessera-llm/formats'
import type { GgmlFormat } from '../recipe/index.ts'

/**
 * The ggml type in blocks of 32 that replaces one in blocks of 256 for rows that are no multiple of 256; it has at
 * least as many bits. llama.cpp's quantizer chooses the same, but since 2026 `q4_0` for `q2_k` and `q3_k`, which has
 * the bytes of `iq4_nl` and loses more.
 */
export const ggmlFallbacks: Readonly<Partial<Record<GgmlFormat, GgmlFormat>>> = {
  q2_k: 'iq4_nl',
  q3_k: 'iq4_nl',
  iq4_xs: 'iq4_nl',
  q4_k: 'q5_0',
  q5_k: 'q5_1',
  q6_k: 'q8_0',
  tq1_0: 'q4_0',
  tq2_0: 'q4_0',
}

/**
 * The type itself if rows of `columns` columns are whole blocks of it; else its fallback, or `f16` if that does not fit
 * either.
 */
export function fittingFormat(format: GgmlFormat, columns: number): GgmlFormat {
  const fits = (candidate: GgmlFormat): boolean => columns % storageFormat(candidate).blockElements === 0
  return [format, ggmlFallbacks[format] ?? format].find(fits) ?? 'f16'
}
