import { serveModel } from '../participant/model/index.ts'
import { importPeer, peerVersion } from './peer.ts'

interface Sequence {
  evaluate(tokens: readonly number[], options: { temperature: number; yieldEogToken: boolean }): AsyncGenerator<number>
  clearHistory(): Promise<void>
  eraseContextTokenRanges(ranges: readonly { readonly start: number; readonly end: number }[]): Promise<void>
  readonly nextTokenIndex: number
}
interface Llama {
  loadModel(options: { modelPath: string; gpuLayers: number }): Promise<{
    createContext(options: {
      contextSize: number
      batchSize: number
      threads: { ideal: number; min: number }
      flashAttention: 'auto'
    }): Promise<{ getSequence(): Sequence }>
    tokenize(text: string, specialTokens: boolean): number[]
  }>
  dispose(): Promise<void>
}
interface NodeLlamaCpp {
  getLlama(options: {
    gpu: false
    maxThreads: number
    build: 'never'
    skipDownload: true
    logLevel: 'error'
  }): Promise<Llama>
}

const sampling = { temperature: 0, yieldEogToken: true }

await serveModel({
  describe: ({ threads }) => ({
    version: peerVersion('node-llama-cpp'),
    settings: { threads, cache: 'f16', batch: 512, flashAttention: 'auto' },
  }),
  async open({ model: modelPath, threads, contextLength }) {
    const { getLlama } = await importPeer<NodeLlamaCpp>('node-llama-cpp')
    const llama = await getLlama({
      gpu: false,
      maxThreads: threads,
      build: 'never',
      skipDownload: true,
      logLevel: 'error',
    })
    const model = await llama.loadModel({ modelPath, gpuLayers: 0 })
    const context = await model.createContext({
      contextSize: contextLength,
      batchSize: 512,
      threads: { ideal: threads, min: threads },
      flashAttention: 'auto',
    })
    const sequence = context.getSequence()

    const take = async (tokens: readonly number[], count: number): Promise<readonly number[]> => {
      const out: number[] = []
      for await (const token of sequence.evaluate(tokens, sampling)) {
        out.push(token)
        if (out.length === count) break
      }
      return out
    }
    return {
      tokenize: async (text) => model.tokenize(text, false),
      async prefill(ids) {
        if (sequence.nextTokenIndex > 0) await sequence.clearHistory()
        return (await take(ids, 1))[0] as number
      },
      generate: (first, count) => take([first], count),
      async truncate(length) {
        if (length === 0) await sequence.clearHistory()
        else if (sequence.nextTokenIndex > length)
          await sequence.eraseContextTokenRanges([{ start: length, end: sequence.nextTokenIndex }])
      },
      close: () => llama.dispose(),
    }
  },
})
