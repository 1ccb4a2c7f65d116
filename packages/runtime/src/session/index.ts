export { defaultActivations, defaultCache } from './defaults.ts'
export {
  generate,
  type GeneratedPiece,
  type GenerateOptions,
  type Generation,
  type GenerationResult,
  type GenerationTimings,
  type StopReason,
} from './generate.ts'
export { type AppendOptions, createSession, type EveryLogits, type Session, type SessionOptions } from './session.ts'
export { yieldToEventLoop } from './yield.ts'
