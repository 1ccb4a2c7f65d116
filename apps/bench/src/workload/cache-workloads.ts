import type { ModelFacts } from './model-facts.ts'
import type { CacheName, DecodeWorkload } from './workload.ts'

export interface CacheWorkload extends DecodeWorkload {
  readonly cache: CacheName
  readonly perPosition: { readonly elements: number; readonly operations: number }
}

/** Bits per element of Tessera's caches, at a head size of 64. */
export const cacheBits: Readonly<Record<CacheName, number>> = { f32: 32, f16: 16, int8: 8.75, int4: 5 }

const tokens = 48
/** The last leaves room for the tokens in a context of 8192. */
const contexts = [
  ['16', 16],
  ['1k', 1024],
  ['4k', 4096],
  ['8k', 8192 - tokens],
] as const

/**
 * One token after contexts of growing length, by cache kind. Those of a kind are measured in turn: what a context adds is
 * a difference.
 */
export function cacheWorkloads(path: string, facts: ModelFacts): readonly CacheWorkload[] {
  return (Object.keys(cacheBits) as CacheName[]).flatMap((cache) =>
    contexts.map(
      ([name, promptTokens]): CacheWorkload => ({
        kind: 'decode',
        id: `context-${cache}-${name}`,
        title: `decode ${tokens} tokens after ${promptTokens}, cache in ${cache}`,
        threads: 1,
        metrics: [{ name: 'rate', unit: 'tok/s', better: 'higher' }],
        model: path,
        contextLength: promptTokens + tokens,
        promptTokens,
        tokens,
        cache,
        onRequest: true,
        inTurn: `context-${cache}`,
        perPosition: { elements: facts.cacheBytesPerPosition / 2, operations: facts.operationsPerPosition },
        ...(cache === 'f32' ? { leftOut: { 'llama.cpp': 'its cache in f16 is the row below' } } : {}),
      }),
    ),
  )
}
