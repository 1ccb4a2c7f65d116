import type { MatmulWorkload } from '../../workload/workload.ts'
import type { Sample } from '../protocol.ts'
import { medianRate } from './rate.ts'

/** Matrices prepared for products with an input. */
export interface MatmulEngine {
  /** Computes from and to the caller's arrays. */
  run(): Promise<void>
  /** The elements of the result that `answerElements` names. */
  answer(): Promise<readonly number[]>
  close(): Promise<void>
}

/** Rate in billions of operations per second (a product and its sum are two), and elements of the result. */
export async function measureMatmul(engine: MatmulEngine, { m, n, k, matrices }: MatmulWorkload): Promise<Sample> {
  const callsPerMs = await medianRate(() => engine.run())
  return { figures: { rate: (2 * m * n * k * matrices * callsPerMs) / 1e6 }, answer: await engine.answer() }
}
