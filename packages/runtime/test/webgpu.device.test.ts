import type { WebGpuCounters, WebGpuDevice } from '@tessera-llm/webgpu'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSession, type LanguageModel } from '../src/index.ts'
import { argmaxOf, describeDecoders } from './cases/decoder.ts'
import { describeEncoders } from './cases/encoder.ts'
import { loadTiny, tinyGolden } from './support/tiny.ts'
import { makeWebGpu } from './support/webgpu.ts'

describeDecoders('webgpu', makeWebGpu)
describeEncoders('webgpu', makeWebGpu)

describe('the tiny model on webgpu', () => {
  let device: WebGpuDevice
  let model: LanguageModel
  beforeAll(async () => {
    device = await makeWebGpu()
    model = await loadTiny(device)
  })
  afterAll(() => device.dispose())

  it.each(tinyGolden().prompts)(
    'gives the logits and 16 greedy tokens of "$text"',
    async ({ idsWithBos, top10Ids, top10Logits, greedy }) => {
      const session = createSession(model)
      const logits = await session.prefill(idsWithBos)
      // The file states logits with five decimals.
      for (const [rank, id] of top10Ids.entries())
        expect(Math.abs((logits[id] as number) - (top10Logits[rank] as number))).toBeLessThan(1e-4)
      const tokens = [argmaxOf(logits)]
      while (tokens.length < 16) tokens.push(await session.stepGreedy(tokens.at(-1) as number))
      expect(tokens).toEqual(greedy.slice(0, 16))
      session.dispose()
    },
  )

  it.each(['stepGreedy', 'step'] as const)(
    'one submission a token, the read included, creating nothing, after the first %s',
    async (step) => {
      const session = createSession(model)
      const [prompt] = tinyGolden().prompts
      if (!prompt) throw new Error('the golden file has no prompts')
      await session.prefill(prompt.idsWithBos)
      const tokens: number[] = []
      const take = async (): Promise<WebGpuCounters> => {
        const before = device.webgpu.counters()
        const result = await session[step](tokens.at(-1) ?? (prompt.greedy[0] as number))
        tokens.push(typeof result === 'number' ? result : argmaxOf(result))
        return difference(before, device.webgpu.counters())
      }

      const first = await take()
      expect(first.bindGroupsCreated).toBeGreaterThan(0)
      // Seven in each layer; and embedding, final norm, head and argmax.
      expect(first.dispatches).toBe(7 * model.config.numLayers + 4)
      const bytesRead = step === 'step' ? model.config.vocabSize * 4 : 4
      // Writes: the token, its position twice, and the length.
      const steady: WebGpuCounters = {
        buffersCreated: 0,
        bindGroupsCreated: 0,
        pipelinesCreated: 0,
        submits: 1,
        passes: 1,
        dispatches: first.dispatches,
        bytesWritten: 16,
        bytesRead,
      }
      while (tokens.length < 15) expect(await take()).toEqual(steady)
      expect(tokens).toEqual(prompt.greedy.slice(1, 16))
      session.dispose()
    },
  )
})

function difference(before: WebGpuCounters, after: WebGpuCounters): WebGpuCounters {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - before[name as keyof WebGpuCounters]]),
  ) as unknown as WebGpuCounters
}
