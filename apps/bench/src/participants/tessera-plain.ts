import { serve } from '../participant/index.ts'
import { createAttentionParticipant } from '../participant/attention/index.ts'
import { openTesseraAttention } from './tessera-attention.ts'

await serve(createAttentionParticipant({
  describe: ({ threads }) => ({ version: 'of this repository', settings: { threads, kernel: 'plain' } }),
  open: (workload) => openTesseraAttention(workload, 'plain'),
}))
