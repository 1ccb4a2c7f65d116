import { readGguf } from '@tessera-llm/formats'
import { fileSource } from '@tessera-llm/formats/node'
import { beforeAll, describe, expect, it } from 'vitest'
import { createTokenizerFromGguf, createTokenizerFromJson, type Tokenizer } from '../src/tokenizer/index.ts'
import { goldenJson } from './support/golden.ts'
import { realModel } from './support/models.ts'
import { expectCase, expectDecode, type TokenizerGolden } from './support/tokenizer-golden.ts'
import { tokenizerJson } from './support/tokenizer-json.ts'

const path = realModel('gemma-3-270m.Q4_K_M.gguf')

describe.skipIf(path === undefined)(
  'Gemma 3 tokenizer (skipped where tooling/models.sh has not brought the model)',
  () => {
    const golden = goldenJson<TokenizerGolden>('gemma3/tokenizer.json')
    let tokenizer: Tokenizer
    let fromJson: Tokenizer
    beforeAll(async () => {
      const checkpoint = await readGguf(await fileSource(path ?? ''))
      tokenizer = createTokenizerFromGguf(checkpoint.metadata)
      fromJson = createTokenizerFromJson(tokenizerJson(checkpoint.metadata), {
        bos_token: '<bos>',
        eos_token: '<eos>',
        add_bos_token: true,
      })
      await checkpoint.close()
    })

    it.each(golden.cases)('encodes and decodes $name', (golden) => expectCase(tokenizer, golden))
    it.each(golden.cases)('encodes and decodes $name from tokenizer.json', (golden) => expectCase(fromJson, golden))
    it('decodes random lists of ids', () => {
      expectDecode(tokenizer, golden)
      expectDecode(fromJson, golden)
    })
    it('ends at the tokens that llama.cpp takes as ends', () => {
      expect([...tokenizer.eosIds].sort((a, b) => a - b)).toEqual([1, 106, 212])
      expect(tokenizer.bosId).toBe(2)
      expect(tokenizer.addBos).toBe(true)
    })
  },
)
