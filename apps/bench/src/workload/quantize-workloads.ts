import type { ModelFacts } from './model-facts.ts'
import type { QuantizeWorkload } from './workload.ts'

const calibrationWindows = 32

/**
 * The model's linear layers to nearest, to two block types and to integers, and to integers by GPTQ on 32 windows of
 * 512 tokens.
 */
export function quantizeWorkloads(model: string, facts: ModelFacts): readonly QuantizeWorkload[] {
  // A weight is two operations for a token, and four bytes.
  const megabytes = (2 * facts.operationsPerPromptToken) / 1e6
  const workload = (
    id: string,
    method: QuantizeWorkload['method'],
    format: QuantizeWorkload['format'],
    windows = 0,
  ): QuantizeWorkload => ({
    kind: 'quantize',
    id: `quantize-${id}`,
    title: `${Math.round(megabytes)} MB of f32 in linear layers: ${id}${windows ? `, ${windows} windows of 512 tokens` : ''}`,
    threads: 2,
    model,
    method,
    format,
    windows,
    megabytes,
    metrics: [
      { name: 'time', unit: 's', better: 'lower' },
      { name: 'processor', unit: 's of processor time', better: 'lower' },
      { name: 'rate', unit: 'MB/s of f32', better: 'higher' },
    ],
    isFresh: true,
    onRequest: true,
    ...(method === 'gptq' ? { isUnwarmed: true } : { leftOut: { gptqmodel: 'not measured' } }),
  })
  const integers = { bits: 4, group: 64 } as const
  return [
    workload('rtn-q4_0', 'rtn', 'q4_0'),
    workload('rtn-q8_0', 'rtn', 'q8_0'),
    workload('rtn-int4', 'rtn', integers),
    workload('gptq-int4', 'gptq', integers, calibrationWindows),
  ]
}
