import { costOfOperator, operators } from '../operator/index.ts'
import type { OpWorkload } from './workload.ts'

/** Calls per measurement, enough to hide the cost of a call from outside. */
const repeatsOf = (isLarge: boolean): number => (isLarge ? 16 : 64)

/** Each op of the table on one token of SmolLM2-135M and on many tokens of a larger model. */
export function opWorkloads(): readonly OpWorkload[] {
  return [1, 2].flatMap((threads) =>
    operators.flatMap((operator) =>
      operator.sizes.map((size, index): OpWorkload => {
        const { bytesRead, bytesWritten } = costOfOperator(operator, size)
        return {
          kind: 'op',
          id: `ops-${threads}t-${operator.name.replace(' ', '-')}-${size.join('x')}`,
          title: `${operator.name}, ${size.join(' × ')}`,
          threads,
          operator: operator.name,
          size,
          repeats: repeatsOf(index > 0),
          bytes: bytesRead + bytesWritten,
          metrics: [
            { name: 'rate', unit: 'GB/s', better: 'higher' },
            { name: 'time', unit: 'µs', better: 'lower' },
          ],
          cost: { roof: 'read', workPerUnit: 1e9 },
          onRequest: true,
          ...(operator.onnx ? {} : { leftOut: { 'onnxruntime-web': 'it has no such operator' } }),
        }
      }),
    ),
  )
}
