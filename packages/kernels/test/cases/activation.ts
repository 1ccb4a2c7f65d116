import {
  conformanceCase,
  type DeviceCase,
  type GoldenCase,
  goldenCase,
  goldenInput,
  goldenOutput,
  normal,
  values,
} from '@tessera-llm/testing'
import { type ActivationKind, activationKinds, activationOp, gatedActivationOp } from '../../src/index.ts'
import { golden } from './golden.ts'

const kindOf: Readonly<Record<string, ActivationKind>> = {
  silu: 'silu',
  gelu_erf: 'gelu-erf',
  gelu_tanh: 'gelu-tanh',
  quick_gelu: 'quick-gelu',
  relu: 'relu',
  relu2: 'relu2',
  swiglu: 'silu',
  geglu_erf: 'gelu-erf',
  geglu_tanh: 'gelu-tanh',
}

export const activationGolden: readonly DeviceCase[] = (await golden('activation')).map(fromGolden)

/** Both signs, zeros, and magnitudes from the linear to the saturated range of each function. */
const extremes = values(
  [19],
  [0, -0, 1e-30, -1e-30, 1e-8, -1e-8, 0.5, -0.5, 3, -3, 10, -10, 30, -30, 90, -90, 1e4, -1e4, 1],
)

export const activationConformance: readonly DeviceCase[] = activationKinds.flatMap((kind) => [
  conformanceCase(activationOp, { name: `${kind} of extremes`, inputs: { x: extremes }, options: { kind } }),
  conformanceCase(activationOp, {
    name: `${kind} [3, 67]`,
    inputs: { x: normal([3, 67], { scale: 3 }) },
    options: { kind },
  }),
  conformanceCase(gatedActivationOp, {
    name: `${kind} gate of extremes`,
    inputs: { gate: extremes, up: normal([19]) },
    options: { kind },
  }),
  conformanceCase(gatedActivationOp, {
    name: `${kind} gate [2, 2, 129]`,
    inputs: { gate: normal([2, 2, 129], { scale: 3 }), up: normal([2, 2, 129], { seed: 2 }) },
    options: { kind },
  }),
])

function fromGolden(stored: GoldenCase): DeviceCase {
  const { name, op, inputs } = stored
  const kind = kindOf[op]
  if (kind === undefined) throw new Error(`activation golden ${name}: no kind is known as ${op}`)
  const expected = { y: goldenOutput(stored, 'y') }
  return inputs['gate']
    ? goldenCase(
        gatedActivationOp,
        { name, inputs: { gate: inputs['gate'], up: goldenInput(stored, 'up') }, options: { kind } },
        expected,
      )
    : goldenCase(activationOp, { name, inputs: { x: goldenInput(stored, 'x') }, options: { kind } }, expected)
}
