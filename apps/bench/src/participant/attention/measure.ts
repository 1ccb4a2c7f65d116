import { cacheBytesOf, operationsOf } from '../../workload/attention-workloads.ts'
import type { AttentionWorkload } from '../../workload/workload.ts'
import { medianRate } from '../matmul/rate.ts'
import type { Sample } from '../protocol.ts'

/** Attention of one workload, its keys and values made. */
export interface AttentionEngine {
  /** From arrays of the caller's to arrays of the caller's; keys and values of a decode step are there already. */
  run(): Promise<void>
  /** The elements of the result that `attentionProbes` names. */
  answer(): Promise<readonly number[]>
  close(): Promise<void>
}

/** Billions of useful operations a second; of a decode step, billions of bytes of its cache a second, and its time. */
export function attentionSample(workload: AttentionWorkload, callsPerMs: number, answer: readonly number[]): Sample {
  if (workload.kind === 'attention-decode')
    return { figures: { rate: (cacheBytesOf(workload) * callsPerMs) / 1e6, time: 1000 / callsPerMs }, answer }
  return { figures: { rate: (operationsOf(workload) * callsPerMs) / 1e6 }, answer }
}

export async function measureAttention(engine: AttentionEngine, workload: AttentionWorkload): Promise<Sample> {
  return attentionSample(workload, await medianRate(() => engine.run()), await engine.answer())
}
