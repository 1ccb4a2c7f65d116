import { conformanceCase, type DeviceCase, normal, values } from '@tessera-llm/testing'
import { kvCopyPageOp } from '../../src/index.ts'

export const kvCopyPageConformance: readonly DeviceCase[] = (['f32', 'f16'] as const).flatMap((dtype) =>
  [
    [4, 1],
    [0, 4],
    [2, 2],
    [5, 0],
    [0, -1],
  ].map((pages) =>
    conformanceCase(kvCopyPageOp, {
      name: `page ${pages.join(' to ')} of ${dtype}`,
      inputs: { pool: normal([5, 3, 16, 10], { dtype }), pages: values([2], pages, 'i32') },
      options: { numPages: 5 },
    }),
  ),
)
