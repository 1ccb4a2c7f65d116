import type { OpWorkload } from '../../workload/workload.ts'
import { medianRate } from '../matmul/rate.ts'
import type { Sample } from '../protocol.ts'

/** An op with its inputs, ready to be called `repeats` times in one go. */
export interface OperatorEngine {
  run(): Promise<void>
  /** The elements of one call's result that `probesOfOutput` names. */
  answer(): Promise<readonly number[]>
  close(): Promise<void>
}

/** Bytes that one call reads and writes a second, in billions, and its time in µs. */
export async function measureOperator(engine: OperatorEngine, { repeats, bytes }: OpWorkload): Promise<Sample> {
  const callsPerMs = repeats * (await medianRate(() => engine.run()))
  return { figures: { rate: (bytes * callsPerMs) / 1e6, time: 1000 / callsPerMs }, answer: await engine.answer() }
}
