import { dotAddOf, hasRelaxedSimd } from '@tessera-llm/wasm'
import { type Description, type Participant, serve } from '../participant/index.ts'
import { createAttentionParticipant, isAttention } from '../participant/attention/index.ts'
import { createEmbedParticipant } from '../participant/embed/index.ts'
import { createMatmulParticipant, isMatmul } from '../participant/matmul/index.ts'
import { createModelParticipant, promptText } from '../participant/model/index.ts'
import type { Workload } from '../workload/index.ts'
import { createEncodeParticipant } from './tessera-encode.ts'
import { openTesseraAttention } from './tessera-attention.ts'
import { openTesseraEmbed } from './tessera-embed.ts'
import { createFormatParticipant } from './tessera-format.ts'
import { openTesseraMatmul } from './tessera-matmul.ts'
import { openTesseraModel } from './tessera-model.ts'
import { createOperatorParticipant } from './tessera-operator.ts'
import { createQuantizeParticipant } from './tessera-quantize.ts'
import { createProfileParticipant } from './tessera-profile.ts'

const describeTessera = ({ threads, kind }: Workload): Description => ({
  version: 'of this repository',
  settings: {
    threads,
    simd: dotAddOf() ? 'relaxed, byte dot products' : hasRelaxedSimd() ? 'relaxed' : 'plain',
    ...(kind.startsWith('attention') || kind === 'embed' || kind === 'op' || kind === 'quantize'
      ? {}
      : { activations: kind === 'gemm-f32' ? 'f32' : 'int8' }),
  },
})
const model = createModelParticipant({ describe: describeTessera, open: openTesseraModel }, promptText)
const matmul = createMatmulParticipant({ describe: describeTessera, open: openTesseraMatmul })
const attention = createAttentionParticipant({
  describe: describeTessera,
  open: (workload) => openTesseraAttention(workload),
})
const embed = createEmbedParticipant({
  describe: describeTessera,
  open: (workload, { texts }) => openTesseraEmbed(workload, texts),
})
const profile = createProfileParticipant(describeTessera)
const format = createFormatParticipant(describeTessera)
const operator = createOperatorParticipant(describeTessera)
const quantize = createQuantizeParticipant(describeTessera)
const encode = createEncodeParticipant(describeTessera, false)
let chosen: Participant = model

await serve({
  prepare(workload) {
    chosen = isMatmul(workload)
      ? matmul
      : isAttention(workload)
        ? attention
        : workload.kind === 'embed'
          ? embed
          : workload.kind === 'profile'
            ? profile
            : workload.kind === 'format'
              ? format
              : workload.kind === 'encode'
                ? encode
                : workload.kind === 'quantize'
                  ? quantize
                  : workload.kind === 'op'
                    ? operator
                    : model
    return chosen.prepare(workload)
  },
  measure: () => chosen.measure(),
  close: () => chosen.close(),
})
