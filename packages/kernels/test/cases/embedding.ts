import { conformanceCase, type DeviceCase, integers, normal, values } from '@tessera-llm/testing'
import { embeddingOp } from '../../src/index.ts'

export const embeddingConformance: readonly DeviceCase[] = [
  ...(['f32', 'f16', 'bf16'] as const).flatMap((dtype) =>
    [1, 7, 64, 130].map((width) =>
      conformanceCase(embeddingOp, {
        name: `embedding of ${dtype} [50, ${width}]`,
        inputs: { ids: integers([2, 5], 50), weight: normal([50, width], { dtype }) },
        options: {},
      }),
    ),
  ),
  conformanceCase(embeddingOp, {
    name: 'embedding of one id, scaled',
    inputs: { ids: values([1], [3], 'i32'), weight: normal([8, 32]) },
    options: { scale: Math.sqrt(32) },
  }),
  conformanceCase(embeddingOp, {
    name: 'embedding of ids that there are not',
    inputs: { ids: values([5], [-1, 8, 7, 0, 2 ** 31 - 1], 'i32'), weight: normal([8, 12]) },
    options: {},
  }),
]
