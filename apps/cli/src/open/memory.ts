import { freemem } from 'node:os'
import { ggmlPackers } from '@tessera-llm/quantization'
import type { ModelFiles } from '@tessera-llm/tessera/node'
import { type MemoryPlan, planMemory } from '@tessera-llm/runtime'
import { formatBytes } from '../terminal/index.ts'
import { configOf } from './files.ts'
import { cacheOf, chunkTokens, kindOf, type ModelArguments } from './options.ts'

/** Address space of WebAssembly memory: 4 GiB. */
const wasmLimitBytes = 2 ** 32

/**
 * Memory that loading and a cache of `contextLength` tokens need, from the headers only. `everyLogits` adds the logits
 * of a whole chunk, on the device and in the array that they are read into.
 */
export function planFor(
  files: ModelFiles,
  args: Parameters<typeof cacheOf>[0],
  contextLength: number,
  everyLogits = false,
): MemoryPlan {
  const config = configOf(files)
  const { device } = args
  const chunk = Math.min(chunkTokens(device), contextLength)
  const plan = planMemory(files.checkpoint, config, {
    kind: kindOf(device),
    packers: ggmlPackers,
    contextLength,
    chunkTokens: chunk,
    cache: cacheOf(args),
  })
  const more = everyLogits ? 2 * 4 * config.vocabSize * chunk : 0
  return { ...plan, activationBytes: plan.activationBytes + more, totalBytes: plan.totalBytes + more }
}

/** `needs 1.2 GiB of memory (weights …, cache … at 4096 tokens)` */
export function describePlan({
  totalBytes,
  weightBytes,
  cacheBytes,
  activationBytes,
  contextLength,
}: MemoryPlan): string {
  return `needs ${formatBytes(totalBytes)} of memory (weights ${formatBytes(weightBytes)}, cache ${formatBytes(cacheBytes)} at ${contextLength} tokens, buffers ${formatBytes(activationBytes)})`
}

/** Bytes that the process can still allocate. */
export function availableMemory(device: ModelArguments['device']): number {
  const free = process.availableMemory?.() ?? freemem()
  return kindOf(device) === 'wasm' ? Math.min(free, wasmLimitBytes) : free
}
