import type { KvCache } from '@tessera-llm/attention'
import type { Tensor } from '@tessera-llm/tensor'
import { type ForwardOptions, type LanguageModel, uploadStep } from '../family/index.ts'

/**
 * Computes the tokens `ids` from position `begin` on, and returns the logits that `options` select. On a device that
 * computes on the calling thread, the pass is recorded and replayed with pauses between launches, so that large chunks
 * do not block the thread. If a pause rejects, the pass ends and nothing stays allocated.
 */
export async function forwardInSlices(
  model: LanguageModel,
  ids: readonly number[],
  begin: number,
  cache: KvCache,
  options: ForwardOptions,
  pause: () => Promise<void> | undefined,
): Promise<Float32Array | undefined> {
  const { device } = model
  if (device.kind !== 'wasm') {
    const logits = device.scope((scope) => {
      const out = model.forward(uploadStep(device, ids, begin), cache, options)
      return out && scope.keep(out)
    })
    try {
      return await read(model, logits)
    } finally {
      logits?.dispose()
    }
  }
  const step = uploadStep(device, ids, begin)
  try {
    const plan = device.capture(() => model.forward(step, cache, options))
    try {
      await plan.replayInSlices(pause)
      return await read(model, plan.result)
    } finally {
      plan.dispose()
    }
  } finally {
    for (const tensor of Object.values(step) as Tensor[]) tensor.dispose()
  }
}

async function read({ device }: LanguageModel, logits: Tensor | undefined): Promise<Float32Array | undefined> {
  if (logits) return (await device.read(logits)) as Float32Array
  await device.synchronize()
  return undefined
}
