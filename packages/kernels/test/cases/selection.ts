import {
  conformanceCase,
  type DeviceCase,
  edgeLengths,
  type GoldenCase,
  goldenCase,
  goldenInput,
  type GoldenOutput,
  goldenOutput,
  integers,
  normal,
  values,
} from '@tessera-llm/testing'
import { argmaxOp, topKOp } from '../../src/index.ts'
import { golden } from './golden.ts'

export const selectionGolden: readonly DeviceCase[] = (await golden('top-k')).flatMap(fromGolden)

const ties = values([2, 6], [3, 5, 5, 1, 5, 3, 0, 0, 0, 0, 0, 0])
const allMasked = values([1, 4], new Array<number>(4).fill(Number.NEGATIVE_INFINITY))

export const selectionConformance: readonly DeviceCase[] = [
  ...edgeLengths.map((width) =>
    conformanceCase(argmaxOp, { name: `argmax [3, ${width}]`, inputs: { x: normal([3, width]) }, options: {} }),
  ),
  conformanceCase(argmaxOp, { name: 'argmax of equals', inputs: { x: ties }, options: {} }),
  conformanceCase(argmaxOp, { name: 'argmax of masked logits', inputs: { x: allMasked }, options: {} }),
  conformanceCase(argmaxOp, {
    name: 'argmax of negative values',
    inputs: { x: normal([2, 300], { mean: -100 }) },
    options: {},
  }),
  conformanceCase(argmaxOp, { name: 'argmax of a vocabulary', inputs: { x: normal([2, 5003]) }, options: {} }),
  conformanceCase(argmaxOp, { name: 'argmax of one axis', inputs: { x: normal([50]) }, options: {} }),
  conformanceCase(topKOp, { name: 'top-k of equals', inputs: { x: ties }, options: { k: 4 } }),
  conformanceCase(topKOp, { name: 'top-k of a whole row', inputs: { x: normal([3, 9]) }, options: { k: 9 } }),
  conformanceCase(topKOp, { name: 'top-k of masked logits', inputs: { x: allMasked }, options: { k: 3 } }),
  ...[1, 5, 40].map((k) =>
    conformanceCase(topKOp, { name: `the ${k} largest of [3, 101]`, inputs: { x: normal([3, 101]) }, options: { k } }),
  ),
  conformanceCase(topKOp, {
    name: 'the 8 largest of a vocabulary',
    inputs: { x: normal([2, 9001]) },
    options: { k: 8 },
  }),
  conformanceCase(topKOp, {
    name: 'the 8 largest of a vocabulary of many equals',
    inputs: { x: values([1, 9001], integers([1, 9001], 7).data as Int32Array) },
    options: { k: 8 },
  }),
]

function fromGolden(stored: GoldenCase): readonly DeviceCase[] {
  const x = goldenInput(stored, 't')
  const indices = goldenOutput(stored, 'topk_index')
  const k = stored.params['k'] as number
  const first: GoldenOutput = {
    ...indices,
    shape: indices.shape.slice(0, -1),
    data: (indices.data as Int32Array).filter((_, at) => at % k === 0),
  }
  return [
    goldenCase(topKOp, { name: `${stored.name}, top-k`, inputs: { x }, options: { k } }, { indices }),
    goldenCase(argmaxOp, { name: `${stored.name}, argmax`, inputs: { x }, options: {} }, { index: first }),
  ]
}
