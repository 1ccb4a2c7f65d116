// Runs in the browser.
import { type OnnxRuntime, openOnnxAttention, openOnnxMatmul } from '../onnx/index.ts'
import { isAttention, measureAttention } from '../participant/attention/index.ts'
import { measureMatmul } from '../participant/matmul/measure.ts'
import type { AttentionWorkload, MatmulWorkload } from '../workload/workload.ts'

interface OnnxRuntimeWeb extends OnnxRuntime {
  readonly env: { readonly wasm: { numThreads?: number; simd?: boolean; wasmPaths?: string } }
}

let measureOpened: (() => Promise<unknown>) | undefined

export async function open(asked: MatmulWorkload | AttentionWorkload): Promise<void> {
  const library = '/peer/dist/ort.wasm.min.mjs'
  const runtime = (await import(library)) as OnnxRuntimeWeb
  Object.assign(runtime.env.wasm, { numThreads: asked.threads, simd: true, wasmPaths: '/peer/dist/' })
  const options = { executionProviders: ['wasm'] }
  if (isAttention(asked)) {
    const engine = await openOnnxAttention(runtime, asked, options)
    measureOpened = () => measureAttention(engine, asked)
  } else {
    const engine = await openOnnxMatmul(runtime, asked, options)
    measureOpened = () => measureMatmul(engine, asked)
  }
}

export async function measure(): Promise<unknown> {
  if (!measureOpened) throw new Error('open comes first')
  return measureOpened()
}
