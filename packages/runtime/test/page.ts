import { attentionWasm } from '@tessera-llm/attention/wasm'
import { attentionWebgpu } from '@tessera-llm/attention/webgpu'
import { bufferSource, readGguf } from '@tessera-llm/formats'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { kernelsWebgpu } from '@tessera-llm/kernels/webgpu'
import { ggmlPackers } from '@tessera-llm/quantization'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { quantizationWebgpu } from '@tessera-llm/quantization/webgpu'
import type { Device } from '@tessera-llm/tensor'
import { createWasmDevice } from '@tessera-llm/wasm'
import { createWebGpuDevice } from '@tessera-llm/webgpu'
import { createSession, createTokenizerFromGguf, generate, llamaFamily, loadModel } from '../src/index.ts'

export interface PageOptions {
  readonly place: 'page' | 'worker'
  readonly device: 'wasm' | 'webgpu'
  /** Path of the GGUF file on the page's server. */
  readonly model: string
  readonly ids: readonly number[]
  readonly maxTokens: number
}

export interface PageResult {
  readonly ids: readonly number[]
  readonly text: string
  /** Name of the device: the GPU, or the instruction set and threads. */
  readonly device: string
  readonly inWorker: boolean
}

const makers: Readonly<Record<PageOptions['device'], () => Promise<Device>>> = {
  wasm: () => createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm], threads: 2 }),
  webgpu: () => createWebGpuDevice({ kernels: [...kernelsWebgpu, ...attentionWebgpu, ...quantizationWebgpu] }),
}

const inWorker = 'WorkerGlobalScope' in globalThis

async function continueText({ device: kind, model: path, ids, maxTokens }: PageOptions): Promise<PageResult> {
  const response = await fetch(path)
  const checkpoint = await readGguf(bufferSource(new Uint8Array(await response.arrayBuffer()), path))
  const device = await makers[kind]()
  const model = await loadModel(checkpoint, { device, packers: ggmlPackers, families: [llamaFamily] })
  const session = createSession(model)
  const generation = generate(session, createTokenizerFromGguf(checkpoint.metadata), ids, {
    maxTokens,
    temperature: 0,
    ignoreEos: true,
  })
  const written: number[] = []
  for await (const { id } of generation) written.push(id)
  const { text } = await generation.result
  session.dispose()
  model.dispose()
  await device.dispose()
  return { ids: written, text, device: device.name, inWorker }
}

/**
 * Runs in a browser, on the page or in a worker that loads this module: greedy tokens of a model, through the whole
 * runtime.
 */
export async function run(options: PageOptions): Promise<PageResult> {
  if (options.place === 'page') return continueText(options)
  const worker = new Worker('/bundle.js', { type: 'module' })
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data as PageResult)
      worker.onerror = ({ message }) => reject(new Error(message))
      worker.postMessage(options)
    })
  } finally {
    worker.terminate()
  }
}

if (inWorker) {
  globalThis.onmessage = ({ data }) => {
    // A rejection would stay in the worker; an uncaught error reaches the page.
    continueText(data as PageOptions).then(postMessage, (error: unknown) =>
      setTimeout(() => {
        throw error
      }),
    )
  }
}
