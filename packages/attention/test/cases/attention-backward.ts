import { createReferenceDevice, decodeElements, encodeElements, sizeOf, type Tensor } from '@tessera-llm/tensor'
import {
  conform,
  conformanceCase,
  type DeviceCase,
  goldenCase,
  goldenInput,
  type GoldenOutput,
  goldenOutput,
  type HostValue,
  normal,
  type OpProblem,
  upload,
  values,
} from '@tessera-llm/testing'
import {
  type AttentionBackwardInputs,
  attentionBackwardOp,
  type AttentionInputs,
  attentionOp,
  type AttentionOptions,
} from '../../src/index.ts'
import { attentionProblems, packedProblems } from './attention.ts'
import { problem } from './attention-problem.ts'
import { batched, inputsOf, optionsOf, storedAttention } from './golden.ts'

export type BackwardProblem = OpProblem<AttentionBackwardInputs, AttentionOptions>

const reference = createReferenceDevice()

/**
 * The backward problem of a forward one: what the reference returns for it, and random gradients; `dlse` where asked.
 */
async function backwardOf(
  forward: OpProblem<AttentionInputs, AttentionOptions>,
  hasDlse: boolean,
): Promise<BackwardProblem> {
  const { blockTable, ...inputs } = forward.inputs
  if (blockTable) throw new Error(`${forward.name}: keys in pages have no gradient`)
  const options = { ...forward.options, returnLse: undefined }
  const tensors = Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [name, value && upload(reference, value as HostValue)]),
  ) as unknown as AttentionInputs
  const outputs = reference.run(attentionOp, tensors, options) as { readonly o: Tensor; readonly lse: Tensor }
  const host = async (tensor: Tensor): Promise<HostValue> => ({
    dtype: tensor.dtype,
    shape: tensor.shape,
    data: (await reference.read(tensor)).slice(),
  })
  return {
    name: forward.name,
    inputs: {
      ...inputs,
      o: await host(outputs.o),
      lse: await host(outputs.lse),
      do: normal(outputs.o.shape, { seed: 21 }),
      dlse: hasDlse ? normal(outputs.lse.shape, { seed: 22 }) : undefined,
    },
    options,
  }
}

const causal = { isCausal: true } as const
/** Sizes on both sides of tiles of keys and blocks of rows, and of windows across them. */
const tiles: readonly OpProblem<AttentionInputs, AttentionOptions>[] = [
  ...[64, 65, 129].map((length) =>
    problem(
      `causal, ${length} rows and keys`,
      { heads: 2, kvHeads: 1, rows: length, keys: length, headDim: 16 },
      causal,
    ),
  ),
  problem('130 rows over 67 keys', { heads: 1, rows: 130, keys: 67, headDim: 24 }, {}),
  problem('3 rows over 200 keys', { heads: 4, kvHeads: 2, rows: 3, keys: 200, headDim: 16 }, causal),
  problem(
    'a window of 40 across tiles',
    { heads: 2, rows: 150, keys: 150, headDim: 16 },
    { isCausal: true, windowLeft: 39 },
  ),
  problem(
    'a window both ways across tiles',
    { heads: 2, rows: 100, keys: 170, headDim: 16 },
    { windowLeft: 30, windowRight: 70 },
  ),
  problem(
    'rows far apart, across tiles',
    { batch: 2, heads: 4, kvHeads: 2, rows: 70, keys: 90, headDim: 16, layout: 'blhd' },
    causal,
  ),
  problem(
    'softcap across tiles',
    { heads: 2, rows: 70, keys: 70, headDim: 16 },
    { isCausal: true, softcap: 2, scale: 1 },
  ),
]

/** Under its own bound, which is tighter than with a gradient by the LSE. */
const hugeScores: OpProblem<AttentionInputs, AttentionOptions> = problem(
  'scores of a thousand, no gradient by the LSE',
  { heads: 2, rows: 20, keys: 50, headDim: 16 },
  { scale: 100 },
)

/** Rows that see nothing, with NaN in q and do: no gradient may show it. */
async function deadRows(): Promise<BackwardProblem> {
  const hidden = (i: number): boolean => Math.floor(i / 70) % 5 === 2
  const mask = values(
    [1, 1, 70, 70],
    Array.from({ length: 4900 }, (_, i) => (hidden(i) ? 0 : 1)),
    'u8',
  )
  const base = await backwardOf(
    problem('dead rows that hold NaN', { heads: 2, rows: 70, keys: 70, headDim: 16 }, {}, { mask }),
    true,
  )
  const poisoned = ({ dtype, shape, data }: HostValue, width: number): HostValue => {
    const numbers = Float64Array.from(decodeElements(data, dtype, sizeOf(shape)), (value, i) =>
      (Math.floor(i / width) % 70) % 5 === 2 ? Number.NaN : value,
    )
    return { dtype, shape, data: encodeElements(numbers, dtype) }
  }
  const { q, do: gradient, dlse } = base.inputs as Readonly<Record<string, HostValue>>
  return {
    ...base,
    inputs: {
      ...base.inputs,
      q: poisoned(q as HostValue, 16),
      do: poisoned(gradient as HostValue, 16),
      dlse: poisoned(dlse as HostValue, 1),
    },
  }
}

export const backwardProblems: readonly BackwardProblem[] = [
  ...(await Promise.all(
    [...attentionProblems, ...packedProblems, ...tiles].map((one, index) => backwardOf(one, index % 2 === 1)),
  )),
  await backwardOf(hugeScores, false),
  await deadRows(),
]
export const backwardConformance: readonly DeviceCase[] = backwardProblems.map((one) => {
  const rounding = roundingOf(one.inputs.lse as HostValue)
  if (rounding === 0) return conformanceCase(attentionBackwardOp, one)
  return {
    name: one.name,
    op: attentionBackwardOp.id,
    run: async (device, reference, options) =>
      void (await conform(device, reference, attentionBackwardOp, [one], {
        ...options,
        tolerance: {
          atol: one.inputs.dlse ? rounding * Math.max(1, one.options.scale ?? 0) : rounding,
          rtol: rounding,
          nmse: 1e-7,
        },
      })),
  }
})

/**
 * P = e^(s − lse) is off by as much of itself as f32 rounds s and the LSE by: where those are in the hundreds, that
 * decides. What a gradient by the LSE adds to dq and dk, P · dlse times the scale, does not cancel as the rest does
 * where one weight is nearly 1.
 */
function roundingOf(lse: HostValue): number {
  const largest = largestOf(lse)
  return largest < 100 ? 0 : 2 ** -21 * largest
}

function largestOf({ data, dtype, shape }: HostValue): number {
  return Math.max(
    ...decodeElements(data, dtype, sizeOf(shape)).map((value) => (Number.isFinite(value) ? Math.abs(value) : 0)),
  )
}

/** Every case of PyTorch's results: gradients of Σ o · do. */
export const backwardGolden: readonly DeviceCase[] = storedAttention.map((golden) => {
  const inputs = inputsOf(golden)
  const given = (name: string, axes: number): HostValue => batched(goldenOutput(golden, name), axes)
  const rounding = roundingOf(goldenOutput(golden, 'lse'))
  const wanted = (name: string): GoldenOutput => {
    const output = batched(goldenOutput(golden, name), name === 'dsinks' ? 1 : 4)
    if (rounding === 0) return output
    const { atol, rtol, nmse } = output.tolerance
    return {
      ...output,
      tolerance: {
        atol: atol + rounding * largestOf(output),
        rtol: rtol + rounding,
        nmse: Math.max(nmse, rounding ** 2),
      },
    }
  }
  return goldenCase(
    attentionBackwardOp,
    {
      name: golden.name,
      inputs: {
        ...inputs,
        o: given('o', 4),
        lse: given('lse', 3),
        do: batched(goldenInput(golden, 'do'), 4),
        dlse: undefined,
      },
      options: optionsOf(golden),
    },
    { dq: wanted('dq'), dk: wanted('dk'), dv: wanted('dv'), ...(inputs.sinks ? { dsinks: wanted('dsinks') } : {}) },
  )
})
