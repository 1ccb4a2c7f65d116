import { parseArgs } from 'node:util'
import { TesseraError } from '@tessera-llm/tensor'

export interface DemoArguments {
  /** A path or `hf:owner/repo/file.gguf`; the embedded model when left out. */
  readonly model: string | undefined
  /** The text to continue, or the message of a model that chats. */
  readonly prompt: string | undefined
  /** Most tokens to write. Default: depends on the model. */
  readonly maxTokens: number | undefined
}

export const usage = `npm run demo                                     the small model of this repository
npm run demo -- --model PATH                     a GGUF file, or a folder with config.json and safetensors
npm run demo -- --model hf:owner/repo/file.gguf  a model of the Hugging Face hub, kept in the cache
  --prompt TEXT      what to continue or to answer
  --max-tokens N     most tokens to write on each device (default: 48, or 96 of a model that chats)`

/** Reads a command line (without `node` and the script); undefined asks for the usage. Throws `invalid-option`. */
export function parseArguments(argv: readonly string[]): DemoArguments | undefined {
  const { model, prompt, help, 'max-tokens': most } = parse(argv)
  if (help) return undefined
  const maxTokens = most === undefined ? undefined : Number(most)
  if (maxTokens !== undefined && (!Number.isSafeInteger(maxTokens) || maxTokens < 1))
    throw new TesseraError(
      'invalid-option',
      `--max-tokens must be an integer of at least 1, not ${JSON.stringify(most)}`,
    )
  for (const [name, value] of Object.entries({ model, prompt }))
    if (value === '') throw new TesseraError('invalid-option', `--${name} must not be empty`)
  return { model, prompt, maxTokens }
}

function parse(argv: readonly string[]): { model?: string; prompt?: string; help: boolean; 'max-tokens'?: string } {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        model: { type: 'string' },
        prompt: { type: 'string' },
        'max-tokens': { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (cause) {
    throw new TesseraError('invalid-option', cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
