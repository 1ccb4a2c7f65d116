import type { ModelEngine } from '../participant/model/index.ts'
import type { ModelWorkload } from '../workload/index.ts'

export async function openTesseraModel(workload: ModelWorkload): Promise<ModelEngine> {
  const { model: path, threads, contextLength } = workload
  // Loading the library belongs to the time to load.
  const { load } = await import('@tessera-llm/tessera/node')
  const { denseCache, quantizedCache } = await import('@tessera-llm/attention')
  const name = workload.kind === 'decode' ? workload.cache : undefined
  const cache =
    name === undefined ? undefined : name === 'f32' || name === 'f16' ? denseCache(name) : quantizedCache(name)
  const model = await load(path, { device: 'wasm', threads, contextLength, activations: 'int8', cache })
  const { session, tokenizer } = model
  return {
    tokenize: async (text) => tokenizer.encode(text, { addSpecial: false }),
    async prefill(ids) {
      session.truncate(0)
      return indexOfLargest(await session.prefill(ids))
    },
    async generate(first, count) {
      const out: number[] = []
      for (let token = first; out.length < count; out.push(token)) token = await session.stepGreedy(token)
      return out
    },
    truncate: async (length) => session.truncate(length),
    close: () => model.dispose(),
  }
}

function indexOfLargest(values: Float32Array): number {
  let best = 0
  for (let index = 1; index < values.length; index++)
    if ((values[index] as number) > (values[best] as number)) best = index
  return best
}
