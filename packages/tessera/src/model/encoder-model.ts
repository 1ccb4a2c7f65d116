import type { Embedder, Tokenizer } from '@tessera-llm/runtime'
import { type Device, TesseraError } from '@tessera-llm/tensor'
import type { Model } from './model.ts'

/** Parts of an encoder model. */
export interface EncoderModelParts {
  readonly embedder: Embedder
  readonly tokenizer: Tokenizer
  /** Disposed of with the model. */
  readonly ownedDevice: Device | undefined
}

/** Creates a model that maps texts to vectors; methods of decoders throw `unsupported`. */
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
  // Not enumerable, so that spreading or printing a model does not call the getters, which throw.
  return Object.defineProperties(model, {
    language: { get: () => refuse('language') },
    session: { get: () => refuse('session') },
  }) as Model
}
