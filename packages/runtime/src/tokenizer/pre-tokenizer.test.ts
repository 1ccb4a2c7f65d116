import { bufferSource, readGguf } from '@tessera-llm/formats'
import { expect, it } from 'vitest'
import { goldenJson } from '../../test/support/golden.ts'
import { tinyGguf } from '../../test/support/tiny.ts'
import { createTokenizerFromGguf } from './index.ts'

const { texts, ids } = goldenJson<{ texts: string[]; ids: Record<string, number[][]> }>('pre-tokenizers.json')

it.each(Object.entries(ids))('%s splits as llama.cpp does', async (pre, want) => {
  const { metadata } = await readGguf(bufferSource(tinyGguf(), 'tiny.gguf'))
  const tokenizer = createTokenizerFromGguf({ ...metadata, 'tokenizer.ggml.pre': pre })
  expect(texts.map((text) => tokenizer.encode(text, { addSpecial: false }))).toEqual(want)
})
