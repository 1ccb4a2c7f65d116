import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { goldenGguf, goldenJson } from '../../../test/support/golden.ts'
import { createTokenizerFromGguf, createTokenizerFromJson } from '../index.ts'

interface ArchitectureGolden {
  readonly tokenizer_cases: readonly { readonly text: string; readonly ids: number[] }[]
}
interface TinyGolden {
  readonly prompts: readonly { readonly text: string; readonly idsWithBos: number[] }[]
}

describe.each(['llama', 'llama_rope3'])('the tokenizer of %s', (name) => {
  const { tokenizer_cases: cases } = goldenJson<ArchitectureGolden>(`architectures/${name}/golden.json`)

  it('encodes as transformers does, from tokenizer.json', () => {
    const tokenizer = createTokenizerFromJson(goldenJson(`architectures/${name}/tokenizer.json`))
    expect(cases.length).toBeGreaterThan(2)
    for (const { text, ids } of cases) {
      expect(tokenizer.encode(text, { addSpecial: false })).toEqual(ids)
      expect(tokenizer.decode(ids)).toBe(text)
    }
  })

  it('encodes the same from GGUF', async () => {
    const checkpoint = await goldenGguf(`architectures/${name}/model.gguf`)
    const tokenizer = createTokenizerFromGguf(checkpoint.metadata)
    for (const { text, ids } of cases) expect(tokenizer.encode(text, { addSpecial: false })).toEqual(ids)
  })
})

describe('the tokenizer of the embedded model', () => {
  const read = (name: string) =>
    JSON.parse(readFileSync(new URL(`../../../../tiny-model/model/${name}`, import.meta.url), 'utf8'))

  it('encodes its golden prompts, with BOS where the configuration adds it', () => {
    const golden: TinyGolden = read('golden.json')
    const json = read('tokenizer.json')
    const tokenizer = createTokenizerFromJson(json, {
      bos_token: '<|endoftext|>',
      eos_token: { content: '<|endoftext|>' },
      add_bos_token: true,
    })
    expect(golden.prompts.length).toBeGreaterThan(3)
    for (const { text, idsWithBos } of golden.prompts) {
      expect(tokenizer.encode(text)).toEqual(idsWithBos)
      expect(createTokenizerFromJson(json).encode(text)).toEqual(idsWithBos.slice(1))
      expect(tokenizer.decode(idsWithBos, { skipSpecial: true })).toBe(text)
    }
    expect(tokenizer.addBos).toBe(true)
    expect(tokenizer.eosIds).toEqual([0])
  })
})
