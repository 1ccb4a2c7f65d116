import type { AttentionWorkload } from './workload.ts'

const headDim = 64
const lengths = [256, 512, 1024, 2048, 4096, 8192] as const
const contexts = [512, 1024, 2048, 4096, 8192, 16384, 32768] as const
/** Query heads and key-value heads: multi-head, grouped by four, multi-query. */
const decodeHeads = [
  ['MHA', 8, 8],
  ['GQA-4', 8, 2],
  ['MQA', 8, 1],
] as const

/** Workloads whose single-thread rows suffice: a round of onnxruntime-web takes a quarter of a minute. */
const oneThread = 'measured with one thread'

/** Attention over whole causal sequences and its gradients; and one more token over contexts of growing length. */
export function attentionWorkloads(): readonly AttentionWorkload[] {
  return [
    ...([1, 2] as const).flatMap((threads) =>
      (['attention', 'attention-gradient'] as const).flatMap((kind) =>
        lengths.map(
          (length): AttentionWorkload => ({
            kind,
            id: `${kind}-${length}${threads === 1 ? '' : `-${threads}t`}`,
            title: `N = ${length}, 2 heads of ${headDim}`,
            threads,
            heads: 2,
            kvHeads: 2,
            headDim,
            length,
            metrics: [{ name: 'rate', unit: 'GFLOP/s', better: 'higher' }],
            cost: { roof: 'fmaF32', workPerUnit: 1e9 },
            ...(threads === 1 ? {} : { leftOut: { 'tessera plain': oneThread, 'onnxruntime-web': oneThread } }),
          }),
        ),
      ),
    ),
    ...decodeHeads.flatMap(([name, heads, kvHeads]) =>
      contexts.map(
        (length): AttentionWorkload => ({
          kind: 'attention-decode',
          id: `attention-decode-${name}-${length}`,
          title: `${name} (${heads} / ${kvHeads} heads), context ${length}`,
          threads: 1,
          heads,
          kvHeads,
          headDim,
          length,
          metrics: [
            { name: 'rate', unit: 'GB/s', better: 'higher' },
            { name: 'time', unit: 'µs', better: 'lower' },
          ],
          cost: { roof: 'read', workPerUnit: 1e9 },
        }),
      ),
    ),
  ]
}

/** Rows of q: all positions, or the last one. */
export function rowsOf({ kind, length }: AttentionWorkload): number {
  return kind === 'attention-decode' ? 1 : length
}

/** Operations of the causal pairs; a product and its sum are two. Two products per pair, five for the gradients. */
export function operationsOf({ kind, heads, headDim, length }: AttentionWorkload): number {
  const pairs = kind === 'attention-decode' ? length : (length * (length + 1)) / 2
  return 2 * heads * headDim * pairs * (kind === 'attention-gradient' ? 5 : 2)
}

/** Bytes of keys and values in f32. */
export function cacheBytesOf({ kvHeads, headDim, length }: AttentionWorkload): number {
  return 2 * 4 * kvHeads * headDim * length
}
