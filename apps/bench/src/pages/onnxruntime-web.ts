// Runs in the browser.
import { type OnnxRuntime, openOnnxMatmul } from '../onnx/index.ts'
import { type MatmulEngine, measureMatmul } from '../participant/matmul/measure.ts'
import type { MatmulWorkload } from '../workload/workload.ts'

interface OnnxRuntimeWeb extends OnnxRuntime {
  readonly env: { readonly wasm: { numThreads?: number; simd?: boolean; wasmPaths?: string } }
}

let engine: MatmulEngine | undefined
let workload: MatmulWorkload | undefined

export async function open(asked: MatmulWorkload): Promise<void> {
  const library = '/peer/dist/ort.wasm.min.mjs'
  const runtime = (await import(library)) as OnnxRuntimeWeb
  Object.assign(runtime.env.wasm, { numThreads: asked.threads, simd: true, wasmPaths: '/peer/dist/' })
  workload = asked
  engine = await openOnnxMatmul(runtime, asked, { executionProviders: ['wasm'] })
}

export async function measure(): Promise<unknown> {
  if (!engine || !workload) throw new Error('open comes first')
  return measureMatmul(engine, workload)
}
