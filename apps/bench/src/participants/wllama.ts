import { readGguf } from '@tessera-llm/formats'
import { fileSource } from '@tessera-llm/formats/node'
import { createTokenizerFromGguf } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import { type ChromiumPage, openPage } from '../chromium/index.ts'
import { promptText } from '../participant/model/index.ts'
import { type Description, type Sample, serve } from '../participant/index.ts'
import type { ModelWorkload } from '../workload/index.ts'
import { peerPath, peerVersion } from './peer.ts'

interface Completion {
  readonly prompt_n: number
  readonly prompt_ms: number
  readonly predicted_n: number
  readonly predicted_ms: number
  readonly ms: number
}

let workload: ModelWorkload | undefined
let page: ChromiumPage | undefined
let text = ''

/**
 * The text of the first `count` tokens: wllama takes no token ids. It may tokenize the last word differently, so the
 * token count that it reports is used.
 */
async function textOfTokens(path: string, count: number): Promise<string> {
  const source = await fileSource(path)
  try {
    const tokenizer = createTokenizerFromGguf((await readGguf(source)).metadata)
    return tokenizer.decode(tokenizer.encode(promptText(), { addSpecial: false }).slice(0, count))
  } finally {
    await source.close()
  }
}

async function load(from: ChromiumPage, { threads, contextLength }: ModelWorkload): Promise<number> {
  const opened = await from.call<{ ms: number; threads: number }>('open', { threads, contextLength })
  if (opened.threads !== threads)
    throw new TesseraError('invalid-value', `bench: wllama took ${opened.threads} threads, not ${threads}`)
  return opened.ms
}

async function measureLoad(from: ChromiumPage, asked: ModelWorkload & { readonly kind: 'load' }): Promise<Sample> {
  const ms = await load(from, asked)
  const first = await from.call<Completion>('complete', { text, tokens: 1, isCached: false })
  await from.call<Completion>('complete', { text, tokens: asked.tokens, isCached: true })
  return { figures: { load: ms, 'first token': ms + first.ms, 'peak memory': from.peakBytes() / 2 ** 20 } }
}

await serve({
  async prepare(asked): Promise<Description> {
    if (!('contextLength' in asked) || asked.kind === 'profile')
      throw new TesseraError('invalid-option', `bench: wllama does no ${asked.kind}`)
    workload = asked
    const version = peerVersion('@wllama/wllama')
    page = await openPage({
      script: new URL('../pages/wllama.js', import.meta.url).pathname,
      folders: { peer: peerPath('@wllama/wllama', '') },
      files: { '/model.gguf': asked.model },
    })
    await page.call('fetchModel')
    text = await textOfTokens(asked.model, asked.kind === 'load' ? 16 : asked.promptTokens)
    if (asked.kind !== 'load') await load(page, asked)
    return {
      version: `${version}, ${page.version}`,
      settings: { threads: asked.threads, cache: 'f16', batch: 512, flashAttention: 'auto' },
    }
  },
  async measure() {
    if (!workload || !page) throw new TesseraError('invalid-option', 'bench: measure comes after prepare')
    if (workload.kind === 'load') return measureLoad(page, workload)
    if (workload.kind === 'prefill') {
      const { prompt_n: count, prompt_ms: ms } = await page.call<Completion>('complete', {
        text,
        tokens: 1,
        isCached: false,
      })
      if (Math.abs(count - workload.promptTokens) > 0.01 * workload.promptTokens)
        throw new TesseraError(
          'invalid-value',
          `bench: wllama computed ${count} tokens of the prompt, not ${workload.promptTokens}`,
        )
      return { figures: { rate: (1000 * count) / ms } }
    }
    const { predicted_n: count, predicted_ms: ms } = await page.call<Completion>('complete', {
      text,
      tokens: workload.tokens + 1,
      isCached: true,
    })
    if (count !== workload.tokens + 1)
      throw new TesseraError('invalid-value', `bench: ${count} tokens came out of wllama, not ${workload.tokens + 1}`)
    // Its clock starts with the first token, whose cost belongs to the prompt.
    return { figures: { rate: (1000 * (count - 1)) / ms } }
  },
  async close() {
    await page?.close()
  },
})
