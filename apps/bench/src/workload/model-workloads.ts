import type { ModelFacts } from './model-facts.ts'
import type { Metric, ModelWorkload } from './workload.ts'

const rate: readonly Metric[] = [{ name: 'rate', unit: 'tok/s', better: 'higher' }]
const loading: readonly Metric[] = [
  { name: 'load', unit: 'ms', better: 'lower' },
  { name: 'first token', unit: 'ms', better: 'lower' },
  { name: 'peak memory', unit: 'MiB', better: 'lower' },
]

/** Generating after a short prompt, and after enough text that attention weighs. */
const contexts = [
  { name: '', promptTokens: 16, tokens: 128 },
  { name: '-1k', promptTokens: 1024, tokens: 64 },
  { name: '-4k', promptTokens: 4096, tokens: 32 },
]

const tooSlow = 'its prefill of 4096 tokens alone takes minutes'

/** Workloads of a language model, the file at `path`. */
export function modelWorkloads(path: string, facts: ModelFacts): readonly ModelWorkload[] {
  const workloads: ModelWorkload[] = []
  for (const threads of [1, 2]) {
    const suffix = `${threads}t`
    for (const { name, promptTokens, tokens } of contexts) {
      const middle = promptTokens + tokens / 2
      workloads.push({
        kind: 'decode',
        id: `decode${name}-${suffix}`,
        title: `decode ${tokens} tokens after ${promptTokens}`,
        threads,
        metrics: rate,
        model: path,
        contextLength: promptTokens + tokens,
        promptTokens,
        tokens,
        cost: { roof: 'read', workPerUnit: facts.weightBytesPerToken + middle * facts.cacheBytesPerPosition },
        ...(promptTokens > 2000 ? { leftOut: { wllama: tooSlow } } : {}),
      })
    }
    workloads.push({
      kind: 'prefill',
      id: `prefill-${suffix}`,
      title: 'prefill 512 tokens',
      threads,
      metrics: rate,
      model: path,
      contextLength: 512 + 16,
      promptTokens: 512,
      cost: { roof: 'dotI8', workPerUnit: facts.operationsPerPromptToken },
    })
  }
  // Loading is the same work on any number of threads, but repacking may use them.
  workloads.push({
    kind: 'load',
    id: 'load-2t',
    title: 'load, first token, peak memory',
    threads: 2,
    metrics: loading,
    model: path,
    contextLength: 2048,
    tokens: 16,
    isFresh: true,
  })
  return workloads
}
