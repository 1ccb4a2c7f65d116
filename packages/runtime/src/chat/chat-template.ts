import { Template } from '@huggingface/jinja'
import { TesseraError } from '@tessera-llm/tensor'

/**
 * One message of a conversation; `role` is a role that the model's template supports: `system`, `user`, `assistant`.
 */
export interface ChatMessage {
  readonly role: string
  readonly content: string
}

/** Options of `ChatTemplate.render`. */
export interface RenderOptions {
  /** Whether the text ends with the opening of the assistant's answer. Default false. */
  readonly addGenerationPrompt?: boolean | undefined
  /** Descriptions of functions, for templates that support tools. */
  readonly tools?: readonly Readonly<Record<string, unknown>>[] | undefined
}

/** A compiled chat template. */
export interface ChatTemplate {
  /**
   * Renders a conversation in the format that the model was trained on.
   *
   * @throws TesseraError `invalid-value` with the template's own message
   */
  render(messages: readonly ChatMessage[], options?: RenderOptions): string
}

/**
 * Compiles a model's chat template (Jinja, as in `tokenizer.chat_template`).
 *
 * @throws TesseraError `invalid-file` if it does not parse
 */
export function createChatTemplate(
  template: string,
  special: { readonly bosToken?: string | undefined; readonly eosToken?: string | undefined } = {},
): ChatTemplate {
  let parsed: Template
  try {
    parsed = new Template(template)
  } catch (cause) {
    throw new TesseraError(
      'invalid-file',
      `chat template: it does not parse (${messageOf(cause)}); generate from plain text instead`,
      { cause },
    )
  }
  return {
    render(messages, { addGenerationPrompt = false, tools } = {}) {
      try {
        return parsed.render({
          messages: messages.map((message) => ({ ...message })),
          add_generation_prompt: addGenerationPrompt,
          bos_token: special.bosToken ?? '',
          eos_token: special.eosToken ?? '',
          ...(tools ? { tools } : {}),
        })
      } catch (cause) {
        throw new TesseraError(
          'invalid-value',
          `chat template: it refuses this conversation (${messageOf(cause)}); check the order of the roles`,
          { cause },
        )
      }
    },
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
