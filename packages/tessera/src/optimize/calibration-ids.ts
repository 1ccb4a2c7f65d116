import { readJsonLines, readText } from '@tessera-llm/optimize/node'
import type { ChatMessage } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import { encodeChat, type ModelText } from '../model/text.ts'

/** Options of `calibrationIds`. */
export interface CalibrationIdsOptions {
  /** Whether a plain text has the model's special tokens around it. Default false: windows get their own. */
  readonly addSpecial?: boolean | undefined
  /** Whether each sample of a `.jsonl` file has the model's special tokens around it. Default true. */
  readonly separate?: boolean | undefined
}

/**
 * Token ids of a calibration text. A file whose name ends in `.jsonl` holds one sample a line: a JSON string,
 * `{ "text": … }`, or `{ "messages": [{ "role": …, "content": … }, …] }`, which goes through the model's chat template.
 * Samples follow one another, and windows are cut across them.
 *
 * @throws TesseraError `not-found`, `invalid-value` with the line that is no sample, `unsupported` for messages where
 *   the model has no chat template
 */
export async function calibrationIds(
  text: ModelText,
  path: string,
  { addSpecial = false, separate = true }: CalibrationIdsOptions = {},
): Promise<number[]> {
  const { tokenizer } = text
  if (!path.endsWith('.jsonl')) return tokenizer.encode(await readText('calibration', path), { addSpecial })
  return (await readJsonLines('calibration', path)).flatMap(({ value, where }) => {
    const sample = sampleOf(value)
    if (sample === undefined)
      throw new TesseraError(
        'invalid-value',
        `${where} must be a JSON string, { "text": … } or { "messages": [{ "role": …, "content": … }] }, but is ${JSON.stringify(value).slice(0, 60)}`,
      )
    return typeof sample === 'string'
      ? tokenizer.encode(sample, { addSpecial: separate })
      : encodeChat(text, sample, { addGenerationPrompt: false })
  })
}

function sampleOf(value: unknown): string | readonly ChatMessage[] | undefined {
  if (typeof value === 'string') return value
  const { text, messages } = (value ?? {}) as { readonly text?: unknown; readonly messages?: unknown }
  if (typeof text === 'string') return text
  return Array.isArray(messages) && messages.length > 0 && messages.every(isMessage) ? messages : undefined
}

function isMessage(value: unknown): value is ChatMessage {
  const { role, content } = (value ?? {}) as { readonly role?: unknown; readonly content?: unknown }
  return typeof role === 'string' && typeof content === 'string'
}
