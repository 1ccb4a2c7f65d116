import {
  type ChatMessage,
  type ChatTemplate,
  createSession,
  type Embedder,
  type EmbedOptions,
  generate,
  type GenerateOptions,
  type Generation,
  type LanguageModel,
  type Session,
  type SessionOptions,
  type Tokenizer,
} from '@tessera-llm/runtime'
import { type Device, TesseraError } from '@tessera-llm/tensor'
import { encodeChat, type ModelText } from './text.ts'

/** Parts of a decoder model; `session` holds the defaults of its sessions. */
export interface ModelParts extends ModelText {
  readonly model: LanguageModel
  /** Disposed of with the model. */
  readonly ownedDevice: Device | undefined
  readonly session?: SessionOptions | undefined
}

/**
 * A loaded model. A decoder generates text; an encoder (BERT and its relatives) maps texts to vectors. Methods of the
 * other kind throw `unsupported`.
 */
export interface Model {
  readonly language: LanguageModel
  /** The encoder with its pooling; undefined for a decoder. */
  readonly embedder: Embedder | undefined
  readonly tokenizer: Tokenizer
  readonly chatTemplate: ChatTemplate | undefined
  readonly device: Device
  /**
   * The sequence that `generate` and `chat` continue. A prompt that shares a prefix with the sequence computes only the
   * rest.
   */
  readonly session: Session
  /** Continues a text (with the model's BOS) or a list of token ids. */
  generate(prompt: string | readonly number[], options?: GenerateOptions): Generation
  /** Answers the last message through the model's chat template. */
  chat(messages: readonly ChatMessage[], options?: GenerateOptions): Generation
  /**
   * One f32 vector for each text or list of token ids, in order. The cosine of two vectors measures how close the texts
   * are in meaning.
   */
  embed(texts: readonly (string | readonly number[])[], options?: EmbedOptions): Promise<Float32Array[]>
  /** Creates another sequence with its own cache, which lives until it or the model is disposed of. */
  createSession(options?: SessionOptions): Session
  dispose(): Promise<void>
}

/** Composes a model from its parts; `load` does so for files. */
export function createModel({
  model,
  tokenizer,
  chatTemplate,
  ownedDevice,
  session: sessionOptions,
}: ModelParts): Model {
  const sessions = new Set<Session>()
  const open = (options: SessionOptions = {}): Session => {
    const session = createSession(model, { ...sessionOptions, ...options })
    sessions.add(session)
    const { dispose } = session
    // Sessions are compared by identity to tell generations apart, so the object is extended, not copied.
    return Object.assign(session, {
      dispose() {
        sessions.delete(session)
        dispose()
      },
    })
  }
  const session = open()
  return {
    language: model,
    embedder: undefined,
    tokenizer,
    chatTemplate,
    device: model.device,
    session,
    generate: (prompt, options) =>
      generate(
        session,
        tokenizer,
        typeof prompt === 'string' ? tokenizer.encode(prompt, { addSpecial: true }) : prompt,
        options,
      ),
    chat: (messages, options) =>
      generate(session, tokenizer, encodeChat({ tokenizer, chatTemplate }, messages), options),
    async embed() {
      throw new TesseraError(
        'unsupported',
        `embed: the architecture ${model.config.architecture} is a decoder, which generates text; load a sentence encoder (BERT and its kin)`,
      )
    },
    createSession: open,
    async dispose() {
      for (const opened of sessions) opened.dispose()
      model.dispose()
      await ownedDevice?.dispose()
    },
  }
}
