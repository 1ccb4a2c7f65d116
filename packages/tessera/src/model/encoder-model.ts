import type { Embedder, Tokenizer } from '@tessera-llm/runtime'
import { type Device, TesseraError } from '@tessera-llm/tensor'
import type { Model } from './model.ts'

export interface EncoderModelParts {
  readonly embedder: Embedder
  readonly tokenizer: Tokenizer
  /** Disposed with the model. */
  readonly ownedDevice: Device | undefined
}

/** A model that turns texts into vectors; what only a decoder can do throws `unsupported`. */
export function createEncoderModel({ embedder, tokenizer, ownedDevice }: EncoderModelParts): Model {
  const { encoder } = embedder
  const refuse = (what: string): never => {
    throw new TesseraError(
      'unsupported',
      `${what}: the architecture ${encoder.config.architecture} is an encoder, which gives vectors (embed) and writes no text; load a decoder`,
    )
  }
  const model: Omit<Model, 'language' | 'session'> = {
    embedder,
    tokenizer,
    chatTemplate: undefined,
    device: encoder.device,
    generate: () => refuse('generate'),
    chat: () => refuse('chat'),
    createSession: () => refuse('createSession'),
    embed: (texts, options) => embedder.embed(texts, options),
    async dispose() {
      encoder.dispose()
      await ownedDevice?.dispose()
    },
  }
  // Not enumerable: who spreads or prints a model does not ask for them.
  return Object.defineProperties(model, {
    language: { get: () => refuse('language') },
    session: { get: () => refuse('session') },
  }) as Model
}
