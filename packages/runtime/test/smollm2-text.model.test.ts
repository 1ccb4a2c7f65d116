import { type Checkpoint, readGguf } from '@tessera-llm/formats'
import { fileSource } from '@tessera-llm/formats/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChatMessage, createChatTemplate } from '../src/chat/index.ts'
import { createTokenizerFromGguf, createTokenizerFromJson, type Tokenizer } from '../src/tokenizer/index.ts'
import { goldenJson } from './support/golden.ts'
import { realModel } from './support/models.ts'
import { expectCase, expectDecode, type TokenizerGolden } from './support/tokenizer-golden.ts'
import { tokenizerJson } from './support/tokenizer-json.ts'

interface ChatGolden {
  readonly template: string
  readonly cases: readonly {
    readonly name: string
    readonly messages: ChatMessage[]
    readonly rendered: string
    readonly renderedWithGenerationPrompt: string
    readonly idsWithGenerationPrompt: number[]
  }[]
}

const path = realModel('SmolLM2-135M-Instruct.Q4_1.gguf')

describe.skipIf(path === undefined)(
  'SmolLM2 tokenizer and chat template (skipped where tooling/models.sh has not brought the model)',
  () => {
    const golden = goldenJson<TokenizerGolden>('smollm2/tokenizer.json')
    const chat = goldenJson<ChatGolden>('smollm2/chat.json')
    let checkpoint: Checkpoint
    let tokenizer: Tokenizer
    let fromJson: Tokenizer
    beforeAll(async () => {
      checkpoint = await readGguf(await fileSource(path ?? ''))
      tokenizer = createTokenizerFromGguf(checkpoint.metadata)
      fromJson = createTokenizerFromJson(tokenizerJson(checkpoint.metadata))
    })
    afterAll(() => checkpoint.close())

    it.each(golden.cases)('encodes and decodes $name', (golden) => expectCase(tokenizer, golden))
    it.each(golden.cases)('encodes and decodes $name from tokenizer.json', (golden) => expectCase(fromJson, golden))
    it('decodes random lists of ids', () => {
      expectDecode(tokenizer, golden)
      expectDecode(fromJson, golden)
    })

    it.each(chat.cases)(
      'renders the chat $name',
      ({ messages, rendered, renderedWithGenerationPrompt, idsWithGenerationPrompt }) => {
        const template = createChatTemplate(String(checkpoint.metadata['tokenizer.chat_template']), {
          bosToken: '<|im_start|>',
          eosToken: '<|im_end|>',
        })
        expect(template.render(messages)).toBe(rendered)
        const prompt = template.render(messages, { addGenerationPrompt: true })
        expect(prompt).toBe(renderedWithGenerationPrompt)
        expect(tokenizer.encode(prompt, { addSpecial: false, parseSpecial: true })).toEqual(idsWithGenerationPrompt)
      },
    )
  },
)
