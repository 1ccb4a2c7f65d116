import { type GoldenCase, readGolden } from '@tessera-llm/testing'

/** The cases of one family of test/golden. */
export function golden(family: string): Promise<readonly GoldenCase[]> {
  return readGolden(new URL('../golden/', import.meta.url), family)
}
