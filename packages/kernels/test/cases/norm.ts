import {
  conformanceCase,
  type DeviceCase,
  edgeLengths,
  type GoldenCase,
  goldenCase,
  goldenInput,
  goldenOutput,
  normal,
} from '@tessera-llm/testing'
import { addRmsNormOp, layerNormOp, rmsNormOp } from '../../src/index.ts'
import { golden } from './golden.ts'

export const normGolden: readonly DeviceCase[] = (await golden('norm')).map(fromGolden)

export const normConformance: readonly DeviceCase[] = [
  ...edgeLengths.map((width) =>
    conformanceCase(rmsNormOp, {
      name: `rms-norm [3, ${width}]`,
      inputs: { x: normal([3, width]), weight: normal([width], { seed: 2, mean: 1 }) },
      options: { eps: 1e-5 },
    }),
  ),
  conformanceCase(rmsNormOp, {
    name: 'rms-norm of one axis',
    inputs: { x: normal([96]), weight: undefined },
    options: { eps: 0 },
  }),
  conformanceCase(rmsNormOp, {
    name: 'rms-norm with 1 + weight',
    inputs: { x: normal([2, 3, 80]), weight: normal([80], { seed: 2, scale: 0.1 }) },
    options: { eps: 1e-6, unitOffset: true },
  }),
  ...[7, 80].map((width) =>
    conformanceCase(rmsNormOp, {
      name: `rms-norm [3, ${width}] with residual`,
      inputs: {
        x: normal([3, width]),
        weight: normal([width], { seed: 2 }),
        residual: normal([3, width], { seed: 3 }),
      },
      options: { eps: 1e-6, unitOffset: width === 7 },
    }),
  ),
  conformanceCase(rmsNormOp, {
    name: 'rms-norm of 1500 rows',
    inputs: { x: normal([1500, 24]), weight: undefined },
    options: { eps: 1e-6 },
  }),
  conformanceCase(addRmsNormOp, {
    name: 'add-rms-norm without weight',
    inputs: { x: normal([2, 65]), residual: normal([2, 65], { seed: 2 }), weight: undefined },
    options: { eps: 1e-5 },
  }),
  ...[1, 33, 64, 257, 576].map((width) =>
    conformanceCase(addRmsNormOp, {
      name: `add-rms-norm [2, 2, ${width}]`,
      inputs: {
        x: normal([2, 2, width]),
        residual: normal([2, 2, width], { seed: 2, scale: 3 }),
        weight: normal([width], { seed: 3, scale: 0.2 }),
      },
      options: { eps: 1e-5, unitOffset: width % 2 === 0 },
    }),
  ),
  ...edgeLengths.map((width) =>
    conformanceCase(layerNormOp, {
      name: `layer-norm [3, ${width}]`,
      inputs: {
        x: normal([3, width], { mean: 2 }),
        weight: normal([width], { seed: 2, mean: 1 }),
        bias: normal([width], { seed: 3 }),
      },
      options: { eps: 1e-5 },
    }),
  ),
  conformanceCase(layerNormOp, {
    name: 'layer-norm with weight alone',
    inputs: { x: normal([5, 48]), weight: normal([48], { seed: 2 }), bias: undefined },
    options: { eps: 1e-12 },
  }),
  conformanceCase(layerNormOp, {
    name: 'layer-norm with bias alone',
    inputs: { x: normal([5, 48]), weight: undefined, bias: normal([48], { seed: 2 }) },
    options: { eps: 1e-5 },
  }),
]

function fromGolden(stored: GoldenCase): DeviceCase {
  const { name, op, params, inputs } = stored
  const options = { eps: params['eps'] as number }
  const x = goldenInput(stored, 'x')
  const weight = inputs['w']
  const y = goldenOutput(stored, 'y')
  switch (op) {
    case 'rmsnorm':
    case 'gemma':
      return goldenCase(
        rmsNormOp,
        { name, inputs: { x, weight }, options: { ...options, unitOffset: op === 'gemma' } },
        { y },
      )
    case 'rmsnorm_residual':
      return goldenCase(
        addRmsNormOp,
        { name, inputs: { x, residual: goldenInput(stored, 'residual'), weight }, options },
        { y, h: goldenOutput(stored, 'h') },
      )
    case 'layernorm':
      return goldenCase(layerNormOp, { name, inputs: { x, weight, bias: inputs['b'] }, options }, { y })
    default:
      throw new Error(`norm golden ${name}: no op is known as ${op}`)
  }
}
