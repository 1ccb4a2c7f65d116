export type { DenseSlot, Program, Site, Step } from './program.ts'
export { recordModel } from './record-model.ts'
export { createStream, type Stream, type StreamOptions } from './stream.ts'
