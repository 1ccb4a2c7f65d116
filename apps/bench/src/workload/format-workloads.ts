import type { FormatWorkload } from './workload.ts'

/** From many bits to few. */
const formats = [
  'f32',
  'f16',
  'bf16',
  'q8_0',
  'int8/row',
  'e4m3/row',
  'e5m2/row',
  'q6_k',
  'q5_0',
  'q5_k',
  'q4_0',
  'q4_1',
  'q4_k',
  'iq4_nl',
  'iq4_xs',
  'mxfp4',
  'nvfp4',
  'int4/g32',
  'int4/g128',
  'fp4/g32',
  'nf4/g64',
  'q3_k',
  'int3/g64',
  'normal3/g64',
  'q2_k',
  'int2/g64',
  'normal2/g64',
  'tq2_0',
] as const

/** One token by matrices of a 1 B model, as many as exceed caches; 128 tokens by a smaller one. */
export function formatWorkloads(): readonly FormatWorkload[] {
  return [1, 2].flatMap((threads) => [
    ...formats.map(
      (format): FormatWorkload => ({
        kind: 'format',
        id: `format-gemv-${format}-${threads}t`,
        title: `${format}, 1 × 2048 × 8192`,
        threads,
        format,
        m: 1,
        k: 2048,
        n: 8192,
        metrics: [
          { name: 'rate', unit: 'GB/s', better: 'higher' },
          { name: 'products', unit: 'Gop/s', better: 'higher' },
        ],
        cost: { roof: 'read', workPerUnit: 1e9 },
      }),
    ),
    ...formats.map(
      (format): FormatWorkload => ({
        kind: 'format',
        id: `format-gemm-${format}-${threads}t`,
        title: `${format}, 128 × 1024 × 1024`,
        threads,
        format,
        m: 128,
        k: 1024,
        n: 1024,
        metrics: [{ name: 'rate', unit: 'Gop/s', better: 'higher' }],
        cost: { roof: roofOf(format), workPerUnit: 1e9 },
      }),
    ),
  ])
}

/** Codes below 64 are multiplied as bytes; 8-bit codes, IQ4 levels and tables as 16 bits; floats as f32. */
function roofOf(format: string): 'fmaF32' | 'dotI16' | 'dotI8' {
  if (/^b?f\d\d$|^e\dm/.test(format)) return 'fmaF32'
  return /8|iq4|nf4|normal/.test(format) ? 'dotI16' : 'dotI8'
}
