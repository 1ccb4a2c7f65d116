import { expect } from 'vitest'
import type { Tokenizer } from '../../src/tokenizer/index.ts'

export interface TokenizerCase {
  readonly name: string
  readonly text: string
  readonly ids: number[]
  readonly idsAddSpecial: number[]
  readonly idsParseSpecial: number[]
  readonly decoded: string
  readonly decodedParseSpecial: string
  readonly decodedSkipSpecial: string
}

/** Results of llama.cpp, described in `golden/models`. */
export interface TokenizerGolden {
  readonly cases: readonly TokenizerCase[]
  readonly decode: readonly { readonly ids: number[]; readonly decoded: string; readonly decodedSkipSpecial: string }[]
}

export function expectCase(tokenizer: Tokenizer, golden: TokenizerCase): void {
  expect(tokenizer.encode(golden.text, { addSpecial: false })).toEqual(golden.ids)
  expect(tokenizer.encode(golden.text)).toEqual(golden.idsAddSpecial)
  expect(tokenizer.encode(golden.text, { addSpecial: false, parseSpecial: true })).toEqual(golden.idsParseSpecial)
  expect(tokenizer.decode(golden.ids)).toBe(golden.decoded)
  expect(tokenizer.decode(golden.idsParseSpecial)).toBe(golden.decodedParseSpecial)
  expect(tokenizer.decode(golden.idsParseSpecial, { skipSpecial: true })).toBe(golden.decodedSkipSpecial)
}

export function expectDecode(tokenizer: Tokenizer, golden: TokenizerGolden): void {
  expect(golden.decode.length).toBeGreaterThan(20)
  for (const { ids, decoded, decodedSkipSpecial } of golden.decode) {
    expect(tokenizer.decode(ids)).toBe(decoded)
    expect(tokenizer.decode(ids, { skipSpecial: true })).toBe(decodedSkipSpecial)
  }
}
