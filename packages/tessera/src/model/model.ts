import {
  type ChatMessage, type ChatTemplate, createSession, generate, type GenerateOptions, type Generation, type LanguageModel, type Session, type SessionOptions, type Tokenizer,
} from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import { encodeChat, type ModelText } from './text.ts'

export interface ModelParts extends ModelText {
  readonly model: LanguageModel
  /** Disposed with the model. */
  readonly ownedDevice: Device | undefined
  readonly session?: SessionOptions | undefined
}

/** A loaded model: text in, text out. */
export interface Model {
  readonly language: LanguageModel
  readonly tokenizer: Tokenizer
  readonly chatTemplate: ChatTemplate | undefined
  readonly device: Device
  /** The sequence that `generate` and `chat` continue; a prompt that begins like the last one is not computed again. */
  readonly session: Session
  /** Continues a text (with the model's BOS) or a list of token ids. */
  generate(prompt: string | readonly number[], options?: GenerateOptions): Generation
  /** Answers the last message through the model's chat template. */
  chat(messages: readonly ChatMessage[], options?: GenerateOptions): Generation
  /** Another sequence with a cache of its own. */
  createSession(options?: SessionOptions): Session
  dispose(): Promise<void>
}

/** Puts the parts of a model together; `load` does it from a file. */
export function createModel({ model, tokenizer, chatTemplate, ownedDevice, session: sessionOptions }: ModelParts): Model {
  const sessions: Session[] = []
  const open = (options: SessionOptions = {}): Session => {
    const session = createSession(model, { ...sessionOptions, ...options })
    sessions.push(session)
    return session
  }
  const session = open()
  return {
    language: model,
    tokenizer,
    chatTemplate,
    device: model.device,
    session,
    generate: (prompt, options) => generate(session, tokenizer, typeof prompt === 'string' ? tokenizer.encode(prompt, { addSpecial: true }) : prompt, options),
    chat: (messages, options) => generate(session, tokenizer, encodeChat({ tokenizer, chatTemplate }, messages), options),
    createSession: open,
    async dispose() {
      for (const opened of sessions) opened.dispose()
      model.dispose()
      await ownedDevice?.dispose()
    },
  }
}
