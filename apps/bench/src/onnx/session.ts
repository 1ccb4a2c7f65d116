import type { MatmulEngine } from '../participant/matmul/measure.ts'
import { answerElements } from '../workload/matmul-data.ts'
import type { MatmulWorkload } from '../workload/workload.ts'
import { encodeOnnxModel } from './encode.ts'
import { matmulGraph, matmulInput } from './matmul-graph.ts'

/** The common interface of onnxruntime-node and -web, as far as it is used here. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: object,
    ): Promise<{
      run(
        feeds: Readonly<Record<string, unknown>>,
      ): Promise<Readonly<Record<string, { readonly data: ArrayLike<number> }>>>
      release(): Promise<void>
    }>
  }
  readonly Tensor: new (
    type: 'float32' | 'int32' | 'int64',
    data: Float32Array | Int32Array | BigInt64Array,
    shape: readonly number[],
  ) => unknown
}

export async function openOnnxMatmul(
  { InferenceSession, Tensor }: OnnxRuntime,
  workload: MatmulWorkload,
  options: object,
): Promise<MatmulEngine> {
  const session = await InferenceSession.create(encodeOnnxModel(matmulGraph(workload)), {
    graphOptimizationLevel: 'all',
    ...options,
  })
  const feeds = { x: new Tensor('float32', matmulInput(workload), [workload.m, workload.k]) }
  return {
    async run() {
      await session.run(feeds)
    },
    async answer() {
      const { data } = (await session.run(feeds))['y'] as { readonly data: ArrayLike<number> }
      return answerElements(workload).map(([row, column]) => data[row * workload.n + column] as number)
    },
    close: () => session.release(),
  }
}
