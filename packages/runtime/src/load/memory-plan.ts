import type { CacheKind } from '@tessera-llm/attention'
import type { Checkpoint } from '@tessera-llm/formats'
import type { Device, WeightPacker } from '@tessera-llm/tensor'
import { TesseraError } from '@tessera-llm/tensor'
import type { ModelConfig } from '../config/index.ts'
import { cacheLayersOf } from '../family/index.ts'
import { defaultActivations, defaultCache } from '../session/index.ts'
import { predictWeightBytes } from './weights.ts'

/** Bytes that a model needs, computed before anything is loaded. */
export interface MemoryPlan {
  readonly weightBytes: number
  /** Keys and values for `contextLength` tokens. */
  readonly cacheBytes: number
  /** Rope tables, and the activations of the largest prefill chunk. */
  readonly activationBytes: number
  readonly totalBytes: number
  readonly contextLength: number
}

/** Options of `planMemory`; lengths are in tokens. */
export interface MemoryPlanOptions {
  readonly kind: Device['kind']
  readonly packers: readonly WeightPacker[]
  readonly contextLength: number
  readonly chunkTokens: number
  /** Cache of keys and values. Default: a session's default for the device. */
  readonly cache?: CacheKind | undefined
}

/** Bytes that loading the checkpoint and filling `contextLength` tokens of cache will allocate on the device. */
export function planMemory(checkpoint: Checkpoint, config: ModelConfig, options: MemoryPlanOptions): MemoryPlan {
  const { contextLength, chunkTokens, kind, packers, cache = defaultCache(defaultActivations(kind)) } = options
  // The reference device computes in float64, regardless of the storage dtype.
  const width = kind === 'reference' ? 8 : 4
  const weightBytes = kind === 'reference' ? 8 * elementsOf(checkpoint) : predictWeightBytes(checkpoint, packers, kind)
  const cacheBytes = cache.byteLength(
    { layers: cacheLayersOf(config), batch: 1, capacity: contextLength, chunkTokens },
    kind,
  )
  const widest =
    3 * config.hiddenSize +
    (config.downHadamard === undefined ? 3 : 4) * config.intermediateSize +
    2 * (config.numHeads + 2 * config.numKvHeads) * config.headDim
  const rotations = new Map(config.ropes.map((rope) => [JSON.stringify(rope), rope?.rotaryDim ?? 0] as const))
  const rotaryDims = [...rotations.values()].reduce((sum, rotaryDim) => sum + rotaryDim, 0)
  const activationBytes = width * (chunkTokens * widest + config.vocabSize + contextLength * rotaryDims)
  return {
    weightBytes,
    cacheBytes,
    activationBytes,
    totalBytes: weightBytes + cacheBytes + activationBytes,
    contextLength,
  }
}

/** Throws `out-of-memory` with the remedy if the plan exceeds `availableBytes`. */
export function checkMemory(plan: MemoryPlan, availableBytes: number): void {
  if (plan.totalBytes <= availableBytes) return
  const mib = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`
  const perToken = plan.cacheBytes / Math.max(1, plan.contextLength)
  const room = Math.floor((availableBytes - plan.weightBytes - plan.activationBytes) / perToken)
  const remedy = room >= 64 ? `a context of ${room} tokens would fit` : 'use a smaller or more strongly quantized model'
  throw new TesseraError(
    'out-of-memory',
    `load: the model needs ${mib(plan.totalBytes)} (weights ${mib(plan.weightBytes)}, cache ${mib(plan.cacheBytes)} for ${plan.contextLength} tokens), ${mib(availableBytes)} are available; ${remedy}`,
    { details: { ...plan, availableBytes } },
  )
}

function elementsOf(checkpoint: Checkpoint): number {
  let elements = 0
  for (const tensor of checkpoint.tensors.values())
    elements += tensor.shape.reduce((product, length) => product * length, 1)
  return elements
}
