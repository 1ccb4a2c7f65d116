import {
  type AttentionInputs,
  type AttentionOptions,
  type AttentionOutputs,
  attentionOp,
  kvAppendOp,
  ropeAppendOp,
} from '@tessera-llm/attention'
import {
  argmaxOp,
  embeddingOp,
  gatedActivationOp,
  gatedLinearOp,
  linearOp,
  qkvLinearOp,
  rmsNormOp,
  ropeOp,
} from '@tessera-llm/kernels'
import {
  denseSpec,
  type Op,
  type Problem,
  sizeOf,
  specBytes,
  TesseraError,
  type TensorSpec,
  type WeightSpec,
} from '@tessera-llm/tensor'

/** Least work of a call. */
export interface Work {
  readonly bytesRead: number
  readonly flops: number
  /** Whether its products are those of int8 vectors; otherwise they are f32. */
  readonly isInteger: boolean
  /** Distinguishes calls of one kernel: shape and format of the weight, or the keys. */
  readonly detail: string
}

const ops: ReadonlyMap<string, Op> = new Map(
  [
    argmaxOp,
    embeddingOp,
    gatedActivationOp,
    gatedLinearOp,
    kvAppendOp,
    linearOp,
    qkvLinearOp,
    rmsNormOp,
    ropeAppendOp,
    ropeOp,
  ].map((op) => [op.id, op as unknown as Op]),
)

/** The weight of an op's product, by op. */
const productWeights: Readonly<Record<string, readonly string[]>> = {
  [linearOp.id]: ['weight'],
  [qkvLinearOp.id]: ['query', 'key', 'value'],
  [gatedLinearOp.id]: ['gate', 'up'],
}

/**
 * `keys` is the number of cached keys; a problem knows only the capacity. Weights count with their packed bytes, an
 * embedding with the rows that it looks up.
 *
 * @throws TesseraError `unsupported` for an op that no language model here uses
 */
export function workOf(problem: Problem, keys: number): Work {
  const { inputs, options } = problem
  if (problem.op === attentionOp.id)
    return attentionWork(problem as unknown as Problem<AttentionInputs, AttentionOutputs, AttentionOptions>, keys)
  const op = ops.get(problem.op)
  if (!op)
    throw new TesseraError(
      'unsupported',
      `bench: nothing is known of the work of the op ${problem.op}; add it to src/profile/work.ts`,
    )
  const { flops, bytesRead } = op.cost(problem)
  const { weight } = inputs
  const multiplied = (productWeights[problem.op] ?? []).flatMap((name) => inputs[name] ?? [])
  if (multiplied.length > 0) {
    const specs = Object.values(inputs).filter((spec): spec is WeightSpec => spec !== undefined)
    const bytes = specs.reduce((sum, spec) => sum + specBytes(spec), 0)
    const isInteger =
      multiplied.every(({ kind }) => kind === 'packed') && String(options['activations'] ?? 'f32').startsWith('int8')
    return { flops, bytesRead: bytes, isInteger, detail: [...new Set(multiplied.map(describeWeight))].join(', ') }
  }
  if (problem.op === embeddingOp.id && weight) {
    const rows = sizeOf(denseSpec(inputs['ids'], problem.op, 'ids').shape)
    return {
      flops,
      bytesRead: rows * (4 + specBytes(weight) / Math.max(1, weight.shape[0] ?? 1)),
      isInteger: false,
      detail: describeWeight(weight),
    }
  }
  return { flops, bytesRead, isInteger: false, detail: '' }
}

const describeWeight = (weight: WeightSpec): string =>
  `${weight.shape.join(' × ')} ${weight.kind === 'packed' ? weight.format.id : weight.dtype}`

/** As the op counts it, with keys and values limited to the cached ones. */
function attentionWork(problem: Problem<AttentionInputs, AttentionOutputs, AttentionOptions>, keys: number): Work {
  const { layout = 'bhld', kvLayout = layout } = problem.options
  const cut = (name: 'k' | 'v'): TensorSpec => {
    const { dtype, shape } = denseSpec(problem.inputs[name], attentionOp.id, name)
    const axis = kvLayout === 'bhld' ? 2 : 1
    const capacity = shape[axis] ?? 0
    if (!(keys >= 1 && keys <= capacity))
      throw new TesseraError('invalid-value', `bench: ${keys} keys cannot be in a cache of ${capacity}`)
    return { kind: 'dense', dtype, shape: shape.with(axis, keys) }
  }
  const k = cut('k')
  const { flops, bytesRead } = attentionOp.cost({ ...problem, inputs: { ...problem.inputs, k, v: cut('v') } })
  return { flops, bytesRead, isInteger: false, detail: `${keys} keys ${k.dtype}` }
}
