import { TesseraError } from '@tessera-llm/tensor'
import type { MatmulWorkload } from '../../workload/index.ts'
import type { Description, Participant } from '../protocol.ts'
import { serve } from '../serve.ts'
import { type MatmulEngine, measureMatmul } from './measure.ts'

export interface MatmulAdapter {
  describe(workload: MatmulWorkload): Description
  open(workload: MatmulWorkload): Promise<MatmulEngine>
}

export const isMatmul = (workload: { readonly kind: string }): workload is MatmulWorkload => 'matrices' in workload

export function createMatmulParticipant({ describe, open }: MatmulAdapter): Participant {
  let engine: MatmulEngine | undefined
  let workload: MatmulWorkload | undefined
  return {
    async prepare(asked) {
      if (!isMatmul(asked)) throw new TesseraError('invalid-option', `bench: a matrix product is no ${asked.kind}`)
      workload = asked
      engine = await open(asked)
      return describe(asked)
    },
    async measure() {
      if (!engine || !workload) throw new TesseraError('invalid-option', 'bench: measure comes after prepare')
      return measureMatmul(engine, workload)
    },
    async close() {
      await engine?.close()
    },
  }
}

export async function serveMatmul(adapter: MatmulAdapter): Promise<void> {
  await serve(createMatmulParticipant(adapter))
}
