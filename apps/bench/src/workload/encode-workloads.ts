import type { EncodeWorkload } from './workload.ts'

const formats = [
  'q4_0',
  'q4_1',
  'q5_0',
  'q5_1',
  'q8_0',
  'q2_k',
  'q3_k',
  'q4_k',
  'q5_k',
  'q6_k',
  'iq4_nl',
  'iq4_xs',
  'tq1_0',
  'tq2_0',
  'mxfp4',
  'nvfp4',
] as const
/** Types that ignore importance. */
const withoutImportance: readonly string[] = ['q8_0', 'tq1_0', 'tq2_0', 'mxfp4', 'nvfp4']

/** Encodes half a MiB of weights, so that a call ends before another process interrupts it. */
export function encodeWorkloads(): readonly EncodeWorkload[] {
  return [1, 2].flatMap((threads) =>
    formats.flatMap((format) =>
      [false, ...(withoutImportance.includes(format) ? [] : [true])].map(
        (importance): EncodeWorkload => ({
          kind: 'encode',
          id: `encode-${format}${importance ? '-importance' : ''}-${threads}t`,
          title: `f32 [64, 2048] to ${format}${importance ? ' with importance' : ''}`,
          threads,
          format,
          importance,
          rows: 64,
          columns: 2048,
          metrics: [
            { name: 'rate', unit: 'MB/s', better: 'higher' },
            { name: 'processor', unit: 'MB for a second of processor time', better: 'higher' },
          ],
          cost: { roof: 'read', workPerUnit: 1e6 },
          // It is single-threaded.
          ...(threads > 1 ? { leftOut: { 'tessera plain': 'it has one thread' } } : {}),
        }),
      ),
    ),
  )
}
