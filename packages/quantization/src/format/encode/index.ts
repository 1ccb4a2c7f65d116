import { q4_0Encoder } from './q4-0.ts'
import { q4_1Encoder } from './q4-1.ts'
import { q5_0Encoder } from './q5-0.ts'
import { q5_1Encoder } from './q5-1.ts'
import { q8_0Encoder } from './q8-0.ts'
import type { RowEncoder } from './row-encoder.ts'

export { createEncodableBlockFormat } from './encode-blocks.ts'
export type { RowEncoder, Scratch } from './row-encoder.ts'

/** The encoders of ggml's block types. The types of 3 bits and less with code grids (IQ1, IQ2, IQ3) have none. */
export const rowEncoders: readonly RowEncoder[] = [q4_0Encoder, q4_1Encoder, q5_0Encoder, q5_1Encoder, q8_0Encoder]
