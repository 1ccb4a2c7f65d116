import type { Device } from '@tessera-llm/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { argmaxOf, windowlessGguf } from '../../test/cases/decoder.ts'
import { makers } from '../../test/support/devices.ts'
import { goldenGguf, goldenJson, goldenSafetensors, largestDifference } from '../../test/support/golden.ts'
import type { Fields } from '../config/index.ts'
import { loadModel } from '../load/index.ts'
import { createSession } from '../session/index.ts'
import { decoderFamilies } from './index.ts'

// The goldens of these architectures have windows, which their GGUF files do not state. So the file is compared with
// the folder with its windows disabled, and both with llama.cpp's tokens.
describe.each(windowlessGguf)('%s from GGUF', (name) => {
  const path = `architectures/${name}/`
  const { inputs } = goldenJson<{ inputs: { len9: number[]; len40: number[] } }>(`${path}golden.json`)
  const { greedy } = goldenJson<{ greedy: Record<string, number[]> }>('architectures/llama-cpp.json')
  let device: Device
  beforeAll(async () => {
    device = await makers.wasm()
  })
  afterAll(() => device.dispose())

  const load = async (from: 'gguf' | 'folder') => {
    const checkpoint =
      from === 'gguf' ? await goldenGguf(`${path}model.gguf`) : await goldenSafetensors(`${path}model.safetensors`)
    const config =
      from === 'gguf' ? undefined : { ...goldenJson<Fields>(`${path}config_v4.json`), sliding_window: null }
    return createSession(await loadModel(checkpoint, { device, packers: [], families: decoderFamilies, config }), {
      activations: 'f32',
    })
  }

  it('gives the logits of the folder without windows', async () => {
    const [file, folder] = [await load('gguf'), await load('folder')]
    expect(largestDifference(await file.prefill(inputs.len40), await folder.prefill(inputs.len40)).value).toBeLessThan(
      1e-5,
    )
  })

  it("gives llama.cpp's greedy tokens", async () => {
    const session = await load('gguf')
    const tokens = [argmaxOf(await session.prefill(inputs.len9))]
    const want = greedy[name] ?? []
    while (tokens.length < want.length) tokens.push(await session.stepGreedy(tokens.at(-1) ?? 0))
    expect(tokens).toEqual(want)
    expect(want).toHaveLength(24)
  })
})
