import { similaritiesOf } from '../../workload/embed-workloads.ts'
import { medianRate } from '../matmul/rate.ts'
import type { Sample } from '../protocol.ts'

/** A sentence encoder with the token ids of all texts. */
export interface EmbedEngine {
  /** One vector f32 [D] for each text, in their order. */
  embed(): Promise<readonly ArrayLike<number>[]>
  close(): Promise<void>
}

/** Texts per second, and similarities of the first texts. */
export async function measureEmbed(engine: EmbedEngine): Promise<Sample> {
  let vectors: readonly ArrayLike<number>[] = []
  const callsPerMs = await medianRate(async () => {
    vectors = await engine.embed()
  }, 1200)
  return { figures: { rate: 1000 * callsPerMs * vectors.length }, answer: similaritiesOf(vectors) }
}
