import { TesseraError } from '@tessera-llm/tensor'

/** Parses `1,2,3`. */
export function parseIds(text: string): number[] {
  const ids = text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : Number.NaN))
  if (ids.some((id) => !Number.isSafeInteger(id)))
    throw new TesseraError(
      'invalid-option',
      `--ids must be token ids with commas between them (1,2,3), not ${JSON.stringify(text)}`,
    )
  return ids
}
