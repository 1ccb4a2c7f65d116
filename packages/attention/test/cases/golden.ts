import {
  type DeviceCase,
  type GoldenCase,
  goldenCase,
  goldenInput,
  type GoldenOutput,
  goldenOutput,
  type HostValue,
  readGolden,
  values,
} from '@tessera-llm/testing'
import { alibiSlopes, type AttentionOptions, attentionOp } from '../../src/index.ts'

export const storedAttention: readonly GoldenCase[] = await readGolden(
  new URL('../golden/', import.meta.url),
  'attention',
)

/** Every case of PyTorch's results; those with sinks also without them. */
export const attentionGolden: readonly DeviceCase[] = storedAttention.flatMap((golden) => {
  const { name } = golden
  const options = optionsOf(golden)
  const { sinks, ...inputs } = inputsOf(golden)
  const expected = { o: batched(goldenOutput(golden, 'o'), 4), lse: batched(goldenOutput(golden, 'lse'), 3) }
  const whole = goldenCase(attentionOp, { name, inputs: { ...inputs, sinks }, options }, expected)
  return sinks
    ? [
        whole,
        goldenCase(
          attentionOp,
          { name: `${name}, the sinks left out`, inputs, options },
          { lse: goldenOutput(golden, 'lse_no_sink') },
        ),
      ]
    : [whole]
})

export function optionsOf({ params }: GoldenCase): AttentionOptions {
  const number = (name: string): number | undefined =>
    typeof params[name] === 'number' && params[name] !== -1 ? params[name] : undefined
  return {
    isCausal: params['causal'] === true,
    scale: number('scale'),
    windowLeft: number('window_left'),
    windowRight: number('window_right'),
    softcap: number('softcap'),
    // Packed cases lie as [total, heads, head size].
    layout: 'seqlens_q' in params ? 'blhd' : 'bhld',
  }
}

export function inputsOf(
  golden: GoldenCase,
): Readonly<Record<'q' | 'k' | 'v', HostValue>> &
  Readonly<Record<'cuSeqLens' | 'cuSeqLensKv' | 'sinks' | 'alibiSlopes' | 'mask', HostValue | undefined>> &
  Readonly<Record<'kvLengths' | 'bias', undefined>> {
  const { params, inputs } = golden
  const numHeads = Number(params['heads'])
  const keyMask = inputs['key_mask']
  const isPacked = golden.op === 'attention_varlen'
  return {
    q: batched(goldenInput(golden, 'q'), 4),
    k: batched(goldenInput(golden, 'k'), 4),
    v: batched(goldenInput(golden, 'v'), 4),
    kvLengths: undefined,
    cuSeqLens: isPacked ? goldenInput(golden, 'cu_seqlens_q') : undefined,
    cuSeqLensKv: isPacked ? goldenInput(golden, 'cu_seqlens_k') : undefined,
    sinks: inputs['sinks'],
    alibiSlopes: params['alibi'] === true ? values([numHeads], alibiSlopes(numHeads)) : undefined,
    bias: undefined,
    mask: keyMask ? { ...keyMask, shape: [keyMask.shape[0] ?? 0, 1, 1, keyMask.shape[1] ?? 0] } : inputs['mask'],
  }
}

/** Packed cases have no batch axis; the op wants one of length 1. */
export function batched<T extends HostValue | GoldenOutput>(value: T, axes: number): T {
  return value.shape.length === axes ? value : { ...value, shape: [1, ...value.shape] }
}
