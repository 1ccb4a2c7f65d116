import { isMainThread } from 'node:worker_threads'
import { serve } from '../participant/index.ts'
import { answerAsWorker, measureRoof } from '../roofline/index.ts'

if (isMainThread) {
  let threads = 1
  await serve({
    async prepare(workload) {
      threads = workload.threads
      return { version: process.versions.node, settings: { threads, instructions: 'SIMD128, relaxed' } }
    },
    measure: async () => ({ figures: { ...(await measureRoof(threads, new URL(import.meta.url))) } }),
    close: async () => {},
  })
} else answerAsWorker()
