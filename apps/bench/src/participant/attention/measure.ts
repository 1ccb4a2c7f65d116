import { cacheBytesOf, operationsOf } from '../../workload/attention-workloads.ts'
import type { AttentionWorkload } from '../../workload/workload.ts'
import { medianRate } from '../matmul/rate.ts'
import type { Sample } from '../protocol.ts'

/** Attention of one workload, with its keys and values. */
export interface AttentionEngine {
  /** Computes from and to the caller's arrays; keys and values of a decode step are already there. */
  run(): Promise<void>
  /** The elements of the result that `attentionProbes` names. */
  answer(): Promise<readonly number[]>
  close(): Promise<void>
}

/** Billions of useful operations per second; for a decode step, billions of cache bytes per second, and its time. */
export function attentionSample(workload: AttentionWorkload, callsPerMs: number, answer: readonly number[]): Sample {
  if (workload.kind === 'attention-decode')
    return { figures: { rate: (cacheBytesOf(workload) * callsPerMs) / 1e6, time: 1000 / callsPerMs }, answer }
  return { figures: { rate: (operationsOf(workload) * callsPerMs) / 1e6 }, answer }
}

export async function measureAttention(engine: AttentionEngine, workload: AttentionWorkload): Promise<Sample> {
  return attentionSample(workload, await medianRate(() => engine.run()), await engine.answer())
}
