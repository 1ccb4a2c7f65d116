// Runs in the browser.
import { bufferSource, readSafetensors } from '@tessera-llm/formats'
import type { Fields } from '@tessera-llm/runtime'
import {
  type OnnxRuntime,
  openOnnxAttention,
  openOnnxEncoder,
  openOnnxMatmul,
  openOnnxOperator,
} from '../onnx/index.ts'
import { isAttention, measureAttention } from '../participant/attention/index.ts'
import { measureEmbed } from '../participant/embed/measure.ts'
import { measureMatmul } from '../participant/matmul/measure.ts'
import { measureOperator } from '../participant/operator/measure.ts'
import type { AttentionWorkload, EmbedWorkload, MatmulWorkload, OpWorkload } from '../workload/workload.ts'

interface OnnxRuntimeWeb extends OnnxRuntime {
  readonly env: { readonly wasm: { numThreads?: number; simd?: boolean; wasmPaths?: string } }
}

let measureOpened: (() => Promise<unknown>) | undefined

const options = { executionProviders: ['wasm'] }

async function importRuntime(threads: number): Promise<OnnxRuntimeWeb> {
  const library = '/peer/dist/ort.wasm.min.mjs'
  const runtime = (await import(library)) as OnnxRuntimeWeb
  Object.assign(runtime.env.wasm, { numThreads: threads, simd: true, wasmPaths: '/peer/dist/' })
  return runtime
}

/** The texts a batch that were chosen. */
export async function openEncoder({
  workload,
  config,
  ids,
}: {
  readonly workload: EmbedWorkload
  readonly config: Fields
  readonly ids: readonly (readonly number[])[]
}): Promise<{ readonly batchSize: number }> {
  const runtime = await importRuntime(workload.threads)
  const file = await fetch('/model.safetensors')
  const checkpoint = await readSafetensors(bufferSource(new Uint8Array(await file.arrayBuffer())))
  const engine = await openOnnxEncoder(
    runtime,
    { checkpoint, config, precision: workload.precision === 'f32' ? 'f32' : 'int8', ids },
    options,
  )
  measureOpened = () => measureEmbed(engine)
  return { batchSize: engine.batchSize }
}

export async function open(asked: MatmulWorkload | AttentionWorkload | OpWorkload): Promise<void> {
  const runtime = await importRuntime(asked.threads)
  if (isAttention(asked)) {
    const engine = await openOnnxAttention(runtime, asked, options)
    measureOpened = () => measureAttention(engine, asked)
  } else if (asked.kind === 'op') {
    const engine = await openOnnxOperator(runtime, asked, options)
    measureOpened = () => measureOperator(engine, asked)
  } else {
    const engine = await openOnnxMatmul(runtime, asked, options)
    measureOpened = () => measureMatmul(engine, asked)
  }
}

export async function measure(): Promise<unknown> {
  if (!measureOpened) throw new Error('open comes first')
  return measureOpened()
}
