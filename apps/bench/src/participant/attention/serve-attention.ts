import { TesseraError } from '@tessera-llm/tensor'
import type { AttentionWorkload } from '../../workload/index.ts'
import type { Description, Participant } from '../protocol.ts'
import { type AttentionEngine, measureAttention } from './measure.ts'

export interface AttentionAdapter {
  describe(workload: AttentionWorkload): Description
  open(workload: AttentionWorkload): Promise<AttentionEngine>
}

export const isAttention = (workload: { readonly kind: string }): workload is AttentionWorkload => 'kvHeads' in workload

export function createAttentionParticipant({ describe, open }: AttentionAdapter): Participant {
  let engine: AttentionEngine | undefined
  let workload: AttentionWorkload | undefined
  return {
    async prepare(asked) {
      if (!isAttention(asked)) throw new TesseraError('invalid-option', `bench: attention is no ${asked.kind}`)
      workload = asked
      engine = await open(asked)
      return describe(asked)
    },
    async measure() {
      if (!engine || !workload) throw new TesseraError('invalid-option', 'bench: measure comes after prepare')
      return measureAttention(engine, workload)
    },
    async close() {
      await engine?.close()
    },
  }
}
