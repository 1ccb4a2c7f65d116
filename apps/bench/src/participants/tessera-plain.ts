import { type Participant, serve } from '../participant/index.ts'
import { createAttentionParticipant } from '../participant/attention/index.ts'
import { openTesseraAttention } from './tessera-attention.ts'
import { createEncodeParticipant } from './tessera-encode.ts'

const attention = createAttentionParticipant({
  describe: ({ threads }) => ({ version: 'of this repository', settings: { threads, kernel: 'plain' } }),
  open: (workload) => openTesseraAttention(workload, 'plain'),
})
const encode = createEncodeParticipant(
  () => ({ version: 'of this repository', settings: { threads: 1, code: 'TypeScript' } }),
  true,
)
let chosen: Participant = attention

await serve({
  prepare(workload) {
    chosen = workload.kind === 'encode' ? encode : attention
    return chosen.prepare(workload)
  },
  measure: () => chosen.measure(),
  close: () => chosen.close(),
})
