import { attentionWebgpu } from '@tessera-llm/attention/webgpu'
import { bufferSource, readGguf } from '@tessera-llm/formats'
import { kernelsWebgpu } from '@tessera-llm/kernels/webgpu'
import { ggmlPackers } from '@tessera-llm/quantization'
import { quantizationWebgpu } from '@tessera-llm/quantization/webgpu'
import { createWebGpuDevice } from '@tessera-llm/webgpu'
import { createSession, llamaFamily, loadModel } from '../src/index.ts'

export interface LogitsPageOptions {
  /** Path of the GGUF file on the page's server. */
  readonly model: string
  readonly prompts: readonly (readonly number[])[]
}

/** Runs in a browser: the logits after the last token of each prompt, on WebGPU with f32 activations. */
export async function run({ model: path, prompts }: LogitsPageOptions): Promise<readonly (readonly number[])[]> {
  const response = await fetch(path)
  const checkpoint = await readGguf(bufferSource(new Uint8Array(await response.arrayBuffer()), path))
  const device = await createWebGpuDevice({ kernels: [...kernelsWebgpu, ...attentionWebgpu, ...quantizationWebgpu] })
  const model = await loadModel(checkpoint, { device, packers: ggmlPackers, families: [llamaFamily] })
  const session = createSession(model, { activations: 'f32' })
  const rows: number[][] = []
  for (const ids of prompts) rows.push([...(await session.prefill(ids))])
  await device.dispose()
  return rows
}
