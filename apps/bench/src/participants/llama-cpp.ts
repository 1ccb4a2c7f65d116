import { serveModel } from '../participant/model/index.ts'
import { openLlamaCpp } from './llama-cpp-library.ts'
import { peerVersion } from './peer.ts'

/** llama.cpp as its own benchmark runs it: one thread pool that lives as long as the context. */
await serveModel({
  describe: ({ threads }) => ({
    version: `libraries of node-llama-cpp ${peerVersion('@node-llama-cpp/linux-x64')}`,
    settings: { threads, cache: 'f16', batch: 512, flashAttention: 'auto', pool: 'persistent' },
  }),
  open: async ({ model, threads, contextLength }) => openLlamaCpp(model, threads, contextLength),
})
