import type { Workload } from './workload/index.ts'

export interface ParticipantSpec {
  readonly name: string
  /** `src/participants/<script>.ts` */
  readonly script: string
  readonly kinds: readonly Workload['kind'][]
}

/** Who takes part in what, in the order of their turns. */
export const participants: readonly ParticipantSpec[] = [
  { name: 'roofline', script: 'roofline', kinds: ['roof'] },
]

/** Node 20 hides relaxed SIMD behind a flag; every child gets it, since a peer may use it too. */
export const nodeArguments: readonly string[] = Number(process.versions.node.split('.')[0]) < 21 ? ['--experimental-wasm-relaxed-simd'] : []
