import type { DeviceCase } from '@tessera-llm/testing'
import { activationConformance, activationGolden } from './activation.ts'
import { elementwiseConformance } from './elementwise.ts'
import { embeddingConformance } from './embedding.ts'
import { fusedConformance } from './fused.ts'
import { hadamardConformance } from './hadamard.ts'
import { normConformance, normGolden } from './norm.ts'
import { linearConformance, matmulConformance, productGolden } from './product.ts'
import { ropeConformance, ropeGolden } from './rope.ts'
import { selectionConformance, selectionGolden } from './selection.ts'
import { softmaxConformance, softmaxGolden } from './softmax.ts'

/** What independent implementations computed, for every device. Filter by `op` where a device has kernels of some ops only. */
export const goldenCases: readonly DeviceCase[] = [
  ...activationGolden,
  ...normGolden,
  ...productGolden,
  ...ropeGolden,
  ...selectionGolden,
  ...softmaxGolden,
]

/** Problems that a device must answer as the reference device does. */
export const conformanceCases: readonly DeviceCase[] = [
  ...activationConformance,
  ...elementwiseConformance,
  ...embeddingConformance,
  ...hadamardConformance,
  ...linearConformance,
  ...matmulConformance,
  ...normConformance,
  ...ropeConformance,
  ...selectionConformance,
  ...softmaxConformance,
]

/** The same for ops that a device may have or do without: callers take their parts where it has no kernel. */
export const fusedCases: readonly DeviceCase[] = fusedConformance
