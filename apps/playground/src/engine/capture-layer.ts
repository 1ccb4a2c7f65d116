import { denseCache } from '@tessera-llm/attention'
import { cacheLayersOf, type LanguageModel, type Tokenizer } from '@tessera-llm/runtime'
import type { Capture, CaptureRequest } from './protocol.ts'

/** Runs the model on a text and keeps the inputs of one layer's attention: rotated queries and keys, and values. */
export async function captureLayer(
  model: LanguageModel,
  tokenizer: Tokenizer,
  { text, layer, maxTokens }: CaptureRequest,
): Promise<Capture> {
  const { device, config } = model
  const ids = tokenizer.encode(text).slice(0, maxTokens)
  const cache = denseCache('f32').create(device, { layers: cacheLayersOf(config), batch: 1, capacity: ids.length })
  const i32 = (values: readonly number[], shape: readonly number[]) => device.tensor(Int32Array.from(values), shape)
  const step = {
    ids: i32(ids, [ids.length]),
    positions: i32([...ids.keys()], [1, ids.length]),
    start: i32([0], [1]),
    lengths: i32([ids.length], [1]),
  }
  const found = new Map<string, Float32Array>()
  const reads: Promise<void>[] = []
  cache.prepare(0, ids.length)
  try {
    model.forward(step, cache, {
      logits: 'none',
      activations: 'f32',
      observe(name, tensor) {
        const part = [`layers.${layer}.q_rope`, `layers.${layer}.k_rope`, `layers.${layer}.v`].indexOf(name)
        if (part >= 0)
          reads.push(
            device
              .read(tensor)
              .then((values) => void found.set('qkv'[part] as string, Float32Array.from(values as Float32Array))),
          )
      },
    })
    await Promise.all(reads)
  } finally {
    for (const tensor of Object.values(step)) tensor.dispose()
    cache.dispose()
  }
  const part = (name: string): Float32Array => {
    const values = found.get(name)
    if (!values) throw new Error(`The model has no layer ${layer}.`)
    return values
  }
  return {
    tokens: ids.map((id) => tokenizer.decode([id])),
    headDim: config.headDim,
    q: part('q'),
    k: part('k'),
    v: part('v'),
  }
}
