import {
  conformanceCase,
  type DeviceCase,
  edgeLengths,
  type GoldenCase,
  goldenCase,
  goldenInput,
  goldenOutput,
  integers,
  normal,
  values,
} from '@tessera-llm/testing'
import { crossEntropyOp, logSoftmaxOp, softmaxOp } from '../../src/index.ts'
import { golden } from './golden.ts'

export const softmaxGolden: readonly DeviceCase[] = (await golden('softmax')).map(fromGolden)

const masked = values(
  [2, 5],
  [
    1,
    Number.NEGATIVE_INFINITY,
    2,
    Number.NEGATIVE_INFINITY,
    -1,
    ...new Array<number>(5).fill(Number.NEGATIVE_INFINITY),
  ],
)

export const softmaxConformance: readonly DeviceCase[] = [
  ...[softmaxOp, logSoftmaxOp].flatMap((op) => [
    ...edgeLengths.map((width) =>
      conformanceCase(op, {
        name: `${op.id} [3, ${width}]`,
        inputs: { x: normal([3, width], { scale: 4 }) },
        options: {},
      }),
    ),
    conformanceCase(op, {
      name: `${op.id} of a vocabulary`,
      inputs: { x: normal([2, 5003], { scale: 8 }) },
      options: {},
    }),
    conformanceCase(op, { name: `${op.id} of one axis`, inputs: { x: normal([40], { mean: -1000 }) }, options: {} }),
  ]),
  conformanceCase(softmaxOp, { name: 'softmax of masked rows, one of them fully', inputs: { x: masked }, options: {} }),
  conformanceCase(crossEntropyOp, {
    name: 'cross-entropy [9, 101]',
    inputs: { logits: normal([9, 101], { scale: 5 }), labels: integers([9], 101) },
    options: {},
  }),
  conformanceCase(crossEntropyOp, {
    name: 'cross-entropy of labels that do not count',
    inputs: { logits: normal([2, 2, 7]), labels: values([2, 2], [-100, 6, 7, -1], 'i32') },
    options: {},
  }),
  conformanceCase(crossEntropyOp, {
    name: 'cross-entropy of a vocabulary',
    inputs: { logits: normal([2, 5003], { scale: 8, mean: 30 }), labels: integers([2], 5003) },
    options: {},
  }),
]

function fromGolden(stored: GoldenCase): DeviceCase {
  const { name, op, outputs } = stored
  switch (op) {
    case 'softmax':
    case 'log_softmax':
      return goldenCase(
        op === 'softmax' ? softmaxOp : logSoftmaxOp,
        { name, inputs: { x: goldenInput(stored, 'x') }, options: {} },
        { y: goldenOutput(stored, 'y') },
      )
    case 'cross_entropy': {
      // With label smoothing or a z-loss, the golden's nll is another quantity, which the copied file omits.
      const nll = outputs['nll']
      return goldenCase(
        crossEntropyOp,
        { name, inputs: { logits: goldenInput(stored, 'logits'), labels: goldenInput(stored, 'labels') }, options: {} },
        { lse: goldenOutput(stored, 'lse'), ...(nll && { nll }) },
      )
    }
    default:
      throw new Error(`softmax golden ${name}: no op is known as ${op}`)
  }
}
