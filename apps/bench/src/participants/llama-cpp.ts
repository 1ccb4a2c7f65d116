import { serveModel } from '../participant/model/index.ts'
import type { ModelWorkload } from '../workload/index.ts'
import { openLlamaCpp } from './llama-cpp-library.ts'
import { peerVersion } from './peer.ts'

/** The nearest llama.cpp type. */
function cacheOf(workload: ModelWorkload): 'f16' | 'q8_0' | 'q4_0' {
  const cache = workload.kind === 'decode' ? workload.cache : undefined
  return cache === 'int8' ? 'q8_0' : cache === 'int4' ? 'q4_0' : 'f16'
}

/** llama.cpp as its own benchmark runs it: one thread pool for the life of the context. */
await serveModel({
  describe: (workload) => ({
    version: `libraries of node-llama-cpp ${peerVersion('@node-llama-cpp/linux-x64')}`,
    settings: {
      threads: workload.threads,
      cache: cacheOf(workload),
      batch: 512,
      flashAttention: 'auto',
      pool: 'persistent',
    },
  }),
  open: async (workload) => openLlamaCpp(workload.model, workload.threads, workload.contextLength, cacheOf(workload)),
})
