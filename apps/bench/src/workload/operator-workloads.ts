import type { MatmulWorkload, Metric, RoofName, RoofWorkload } from './workload.ts'

const operations: readonly Metric[] = [{ name: 'rate', unit: 'GFLOP/s', better: 'higher' }]
const integerOperations: readonly Metric[] = [{ name: 'rate', unit: 'Gop/s', better: 'higher' }]

/**
 * Matrices of SmolLM2-135M (hidden 576, feed-forward 1536, vocabulary 49152), of a 1 B model, and a square one.
 * `[m, k, n]`
 */
const gemms = [
  [512, 576, 1536],
  [512, 1536, 576],
  [1024, 1024, 1024],
] as const
/** `[m, k, n, matrices]`: a small matrix comes sixteen times, each with its own weights. */
const gemvs = [
  [1, 576, 1536, 16],
  [1, 1536, 576, 16],
  [1, 2048, 8192, 1],
  [1, 576, 49152, 1],
] as const

/**
 * Bits of a weight in blocks of 32 with an f16 scale: Q4_0, and MatMulNBits with f16 scales; formats with a minimum
 * read 5 bits.
 */
const bitsOfFourBitWeight = 4.5

function matmul(
  kind: MatmulWorkload['kind'],
  [m, k, n, matrices = 1]: readonly [number, number, number, number?],
  threads: number,
): MatmulWorkload {
  const roofs: Readonly<Record<MatmulWorkload['kind'], RoofName>> = {
    'gemm-f32': 'fmaF32',
    'gemm-int8': 'dotI16',
    'gemm-4bit': 'dotI8',
    'gemv-4bit': 'read',
  }
  const workPerUnit = kind === 'gemv-4bit' ? (1e9 / 2) * (bitsOfFourBitWeight / 8) : 1e9
  return {
    kind,
    id: `${kind}-${m}x${k}x${n}-${threads}t`,
    title: `${m} × ${k} × ${n}${matrices > 1 ? `, ${matrices} matrices` : ''}`,
    threads,
    m,
    k,
    n,
    matrices,
    metrics: kind === 'gemm-f32' ? operations : integerOperations,
    cost: { roof: roofs[kind], workPerUnit },
  }
}

export function operatorWorkloads(): readonly MatmulWorkload[] {
  return [1, 2].flatMap((threads) => [
    ...gemms.map((shape) => matmul('gemm-f32', shape, threads)),
    ...gemms.map((shape) => matmul('gemm-int8', shape, threads)),
    ...gemms.map((shape) => matmul('gemm-4bit', shape, threads)),
    ...gemvs.map((shape) => matmul('gemv-4bit', shape, threads)),
  ])
}

export function roofWorkloads(): readonly RoofWorkload[] {
  return [1, 2].map((threads) => ({
    kind: 'roof',
    id: `roof-${threads}t`,
    title: 'what SIMD128 reaches here',
    threads,
    metrics: [
      { name: 'read', unit: 'GB/s', better: 'higher' },
      { name: 'fmaF32', unit: 'GFLOP/s', better: 'higher' },
      { name: 'dotI16', unit: 'Gop/s', better: 'higher' },
      { name: 'dotI8', unit: 'Gop/s', better: 'higher' },
      { name: 'dotAdd', unit: 'Gop/s', better: 'higher' },
    ],
  }))
}
