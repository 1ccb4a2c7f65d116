// Runs in the browser.

interface Timings {
  readonly prompt_n: number
  readonly prompt_ms: number
  readonly predicted_n: number
  readonly predicted_ms: number
}
interface Wllama {
  loadModel(blobs: readonly Blob[], options: object): Promise<void>
  createCompletion(options: object): Promise<{ readonly timings?: Timings }>
  getNumThreads(): number
}
interface WllamaModule {
  readonly Wllama: new (
    paths: { readonly default: string },
    options: { readonly suppressNativeLog: boolean; readonly logger: object },
  ) => Wllama
}

let wllama: Wllama | undefined
let model: Blob | undefined

/** The file as a `Blob`, as from a file picker: fetching it is not part of the load time. */
export async function fetchModel(): Promise<void> {
  model = await (await fetch('/model.gguf')).blob()
}

/** Milliseconds from before the library is imported until it can compute. */
export async function open({
  threads,
  contextLength,
}: {
  readonly threads: number
  readonly contextLength: number
}): Promise<{ readonly ms: number; readonly threads: number }> {
  if (!model) throw new Error('fetchModel comes first')
  const begin = performance.now()
  const library = '/peer/esm/index.js'
  const { Wllama: Library } = (await import(library)) as WllamaModule
  const quiet = (): void => {}
  wllama = new Library(
    { default: '/peer/esm/wasm/wllama.wasm' },
    { suppressNativeLog: true, logger: { debug: quiet, log: quiet, warn: quiet, error: console.error } },
  )
  await wllama.loadModel([model], {
    n_ctx: contextLength,
    n_threads: threads,
    n_batch: 512,
    n_gpu_layers: 0,
    n_parallel: 1,
  })
  return { ms: performance.now() - begin, threads: wllama.getNumThreads() }
}

/** Continues a text greedily. `isCached` allows reuse of the keys and values of a known prompt. */
export async function complete({
  text,
  tokens,
  isCached,
}: {
  readonly text: string
  readonly tokens: number
  readonly isCached: boolean
}): Promise<Timings & { readonly ms: number }> {
  if (!wllama) throw new Error('open comes first')
  const begin = performance.now()
  const { timings } = await wllama.createCompletion({
    prompt: text,
    max_tokens: tokens,
    temperature: 0,
    ignore_eos: true,
    cache_prompt: isCached,
  })
  if (!timings) throw new Error('wllama gave no timings')
  return { ...timings, ms: performance.now() - begin }
}
