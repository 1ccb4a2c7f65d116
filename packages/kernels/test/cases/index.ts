import type { DeviceCase } from '@tessera-llm/testing'
import { activationConformance, activationGolden } from './activation.ts'
import { calibrationConformance } from './calibration.ts'
import { elementwiseConformance } from './elementwise.ts'
import { embeddingConformance } from './embedding.ts'
import { fusedConformance } from './fused.ts'
import { hadamardConformance } from './hadamard.ts'
import { normConformance, normGolden } from './norm.ts'
import { linearConformance, matmulConformance, productGolden } from './product.ts'
import { ropeConformance, ropeGolden } from './rope.ts'
import { selectionConformance, selectionGolden } from './selection.ts'
import { softmaxConformance, softmaxGolden } from './softmax.ts'

/**
 * Results of independent implementations, for every device. Filter by `op` if a device has kernels for some ops only.
 */
export const goldenCases: readonly DeviceCase[] = [
  ...activationGolden,
  ...normGolden,
  ...productGolden,
  ...ropeGolden,
  ...selectionGolden,
  ...softmaxGolden,
]

/** Problems that a device must solve as the reference device does. */
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

/** Problems of optional ops: without a kernel, callers compose them from their parts. */
export const fusedCases: readonly DeviceCase[] = fusedConformance

/**
 * Problems of ops for calibration, which WebAssembly alone has kernels for: elsewhere callers compose them or add on
 * the host.
 */
export const calibrationCases: readonly DeviceCase[] = calibrationConformance
