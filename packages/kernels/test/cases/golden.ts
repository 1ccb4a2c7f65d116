import { type GoldenCase, readGolden } from '@tessera-llm/testing'

/** Cases of one family in test/golden. */
export function golden(family: string): Promise<readonly GoldenCase[]> {
  return readGolden(new URL('../golden/', import.meta.url), family)
}
