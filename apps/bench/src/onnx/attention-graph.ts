import { attentionData, type AttentionTensor, axesOf, probesOf } from '../workload/attention-data.ts'
import type { AttentionWorkload } from '../workload/workload.ts'
import type { AttentionEngine } from '../participant/attention/measure.ts'
import { encodeOnnxModel, type OnnxGraph, type OnnxTensor } from './encode.ts'
import type { OnnxRuntime } from './session.ts'

/** `o` f32[1, N, heads · channels] by GroupQueryAttention, which is causal, without past keys. */
function attentionGraph({ heads, kvHeads, headDim, length }: AttentionWorkload): OnnxGraph {
  const value = (name: string, count: number) => ({ name, type: 'f32', shape: [1, length, count * headDim] }) as const
  const integer = (name: string, shape: readonly number[], content: number): OnnxTensor => ({
    name,
    type: 'i32',
    shape,
    bytes: new Uint8Array(Int32Array.of(content).buffer),
  })
  const cache = (name: string) => ({ name, type: 'f32', shape: [1, kvHeads, length, headDim] }) as const
  return {
    nodes: [
      {
        operator: 'GroupQueryAttention',
        domain: 'com.microsoft',
        inputs: ['q', 'k', 'v', '', '', 'last', 'total'],
        outputs: ['o', 'keys', 'values'],
        integers: { num_heads: heads, kv_num_heads: kvHeads },
      },
    ],
    initializers: [integer('last', [1], length - 1), integer('total', [1], length)],
    inputs: [value('q', heads), value('k', kvHeads), value('v', kvHeads)],
    outputs: [value('o', heads), cache('keys'), cache('values')],
  }
}

export async function openOnnxAttention(
  { InferenceSession, Tensor }: OnnxRuntime,
  workload: AttentionWorkload,
  options: object,
): Promise<AttentionEngine> {
  const session = await InferenceSession.create(encodeOnnxModel(attentionGraph(workload)), {
    graphOptimizationLevel: 'all',
    ...options,
  })
  const given = (tensor: AttentionTensor): unknown => {
    const [count] = axesOf(workload, tensor)
    return new Tensor('float32', attentionData(workload, tensor, 'rows first'), [
      1,
      workload.length,
      count * workload.headDim,
    ])
  }
  const feeds = { q: given('q'), k: given('k'), v: given('v') }
  const compute = async (): Promise<ArrayLike<number>> =>
    ((await session.run(feeds))['o'] as { readonly data: ArrayLike<number> }).data
  return {
    async run() {
      await compute()
    },
    answer: async () => probesOf(workload, await compute(), 'rows first'),
    close: () => session.release(),
  }
}
