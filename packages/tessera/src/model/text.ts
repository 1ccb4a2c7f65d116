import type { Checkpoint } from '@tessera-llm/formats'
import {
  type ChatMessage,
  type ChatTemplate,
  createChatTemplate,
  createTokenizerFromGguf,
  createTokenizerFromJson,
  type Fields,
  type Tokenizer,
} from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import type { HuggingFaceFiles } from './load.ts'
import { noTokenizer } from './no-tokenizer.ts'

/** The text processing of a model; needs no weights. */
export interface ModelText {
  readonly tokenizer: Tokenizer
  readonly chatTemplate: ChatTemplate | undefined
}

/**
 * Reads the tokenizer and the chat template from a GGUF file's metadata. Without a tokenizer there, the result handles
 * only token ids.
 */
export function textOfGguf({ metadata }: Checkpoint): ModelText {
  const kind = metadata['tokenizer.ggml.model']
  if (kind === undefined || kind === 'no_vocab')
    return {
      tokenizer: noTokenizer({
        missing: 'the GGUF file holds no tokenizer',
        vocabSize: 0,
        eosIds: idsOf(metadata['tokenizer.ggml.eos_token_id']),
      }),
      chatTemplate: undefined,
    }
  return compose(createTokenizerFromGguf(metadata as Fields), metadata['tokenizer.chat_template'])
}

/**
 * Reads the tokenizer from `tokenizer.json` and the chat template from `tokenizer_config.json`. Without
 * `tokenizer.json`, the result handles only token ids.
 */
export function textOfHuggingFace({
  tokenizer,
  tokenizerConfig,
  config = {},
}: Omit<HuggingFaceFiles, 'checkpoint' | 'config'> & Partial<Pick<HuggingFaceFiles, 'config'>>): ModelText {
  if (tokenizer === undefined)
    return {
      tokenizer: noTokenizer({
        missing: 'the folder has no tokenizer.json',
        vocabSize: Number(config['vocab_size'] ?? 0),
        eosIds: idsOf(config['eos_token_id']),
      }),
      chatTemplate: undefined,
    }
  return compose(createTokenizerFromJson(tokenizer, tokenizerConfig), tokenizerConfig?.['chat_template'])
}

/**
 * Token ids of a conversation, ending with the prompt for an answer to the last message unless `addGenerationPrompt` is
 * false.
 *
 * @throws TesseraError `unsupported` for a model without a chat template
 */
export function encodeChat(
  { tokenizer, chatTemplate }: ModelText,
  messages: readonly ChatMessage[],
  { addGenerationPrompt = true }: { readonly addGenerationPrompt?: boolean | undefined } = {},
): number[] {
  if (!chatTemplate)
    throw new TesseraError('unsupported', 'chat: the model has no chat template; use plain text instead')
  const ids = tokenizer.encode(chatTemplate.render(messages, { addGenerationPrompt }), {
    addSpecial: false,
    parseSpecial: true,
  })
  // Most templates write the BOS themselves; a second one would be a different prompt.
  const { addBos, bosId } = tokenizer
  return addBos && bosId !== undefined && ids[0] !== bosId ? [bosId, ...ids] : ids
}

/** Accepts one id, a list of ids, or neither. */
function idsOf(value: unknown): readonly number[] {
  return [value].flat().filter((id) => typeof id === 'number')
}

function compose(tokenizer: Tokenizer, template: unknown): ModelText {
  const spell = (id: number | undefined): string | undefined => (id === undefined ? undefined : tokenizer.tokenOf(id))
  const special = { bosToken: spell(tokenizer.bosId), eosToken: spell(tokenizer.eosIds[0]) }
  return { tokenizer, chatTemplate: typeof template === 'string' ? createChatTemplate(template, special) : undefined }
}
