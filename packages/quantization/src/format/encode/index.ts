import { mxfp4Encoder, nvfp4Encoder } from './float4.ts'
import { iq4_nlEncoder, iq4_xsEncoder } from './iq4.ts'
import { q2_kEncoder } from './q2-k.ts'
import { q3_kEncoder } from './q3-k.ts'
import { q4_0Encoder } from './q4-0.ts'
import { q4_1Encoder } from './q4-1.ts'
import { q4_kEncoder } from './q4-k.ts'
import { q5_0Encoder } from './q5-0.ts'
import { q5_1Encoder } from './q5-1.ts'
import { q5_kEncoder } from './q5-k.ts'
import { q6_kEncoder } from './q6-k.ts'
import { q8_0Encoder } from './q8-0.ts'
import type { RowEncoder } from './row-encoder.ts'
import { tq1_0Encoder, tq2_0Encoder } from './ternary.ts'

export { createEncodableBlockFormat } from './encode-blocks.ts'
export type { RowEncoder, Scratch } from './row-encoder.ts'

/** The encoders of ggml's block types. The types of 3 bits and less with code grids (IQ1, IQ2, IQ3) have none. */
export const rowEncoders: readonly RowEncoder[] = [
  q4_0Encoder,
  q4_1Encoder,
  q5_0Encoder,
  q5_1Encoder,
  q8_0Encoder,
  q2_kEncoder,
  q3_kEncoder,
  q4_kEncoder,
  q5_kEncoder,
  q6_kEncoder,
  iq4_nlEncoder,
  iq4_xsEncoder,
  tq1_0Encoder,
  tq2_0Encoder,
  mxfp4Encoder,
  nvfp4Encoder,
]
