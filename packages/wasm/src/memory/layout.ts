/**
 * Fixed addresses at the bottom of the arena; the assembly has the same numbers. Address 0 stays unused, so that it can
 * mean "none".
 */
export const layout = {
  /** Constants for kernels: see `constants.ts`. */
  constants: 64,
  /** State of the dispatcher, one cache line each. */
  epoch: 1024,
  /** u64: the first ticket of the run in progress, and the tickets drawn. */
  firstTicket: 1096,
  drawn: 1152,
  generation: 1216,
  failed: 1344,
  quit: 1348,
  spins: 1472,
  rounds: 1476,
  deadline: 1480,
  forever: 1488,
  pause: 1496,
  wake: 1500,
  /** One word for each of at most 256 threads. */
  expected: 1536,
  /** Argument blocks and stage list of the running launch (outside plans). */
  eagerArguments: 2560,
  eagerArgumentsEnd: 10_752,
  eagerPlan: 10_752,
  eagerPlanEnd: 12_288,
  /** First byte for tensors. */
  heap: 12_288,
} as const

/** Alignment of every block, so that vectors never straddle cache lines. */
export const alignment = 64

export const pageBytes = 65_536
