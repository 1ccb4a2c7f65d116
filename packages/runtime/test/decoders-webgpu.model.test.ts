import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Checkpoint } from '@tessera-llm/formats'
import type { WebGpuDevice } from '@tessera-llm/webgpu'
import { launchChromium, runInChromium } from '@tessera-tooling/swiftshader/chromium'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSession, type LanguageModel } from '../src/index.ts'
import { argmaxOf } from './cases/decoder.ts'
import type { LogitsPageOptions } from './logits-page.ts'
import { goldenSafetensors } from './support/golden.ts'
import { expectGoldenLogits, expectLogits, gemma3, loadRealModel, smolLm2 } from './support/real-models.ts'
import { makeWebGpu } from './support/webgpu.ts'

const bound = 2e-3
/** A software GPU computes a few tokens a second. */
const isShort = ({ tokens }: { readonly tokens: number }): boolean => tokens <= 5

// Projections with the norm before them; rotation with the cache; attention and its reduction; output; gate and up with
// their norm; down. Gemma 3 has two norms more. (A GPU that binds less than eleven buffers at once prepares queries and
// keys separately: ten.)
describe.each([
  { ...smolLm2, dispatches: 7 },
  { ...gemma3, dispatches: 9 },
])(
  '$title on webgpu, exact activations (skipped where tooling/models.sh has not brought the model)',
  ({ dispatches, ...real }) => {
    describe.skipIf(real.path === undefined)('in Node.js', () => {
      let device: WebGpuDevice
      let model: LanguageModel
      let expected: Checkpoint
      beforeAll(async () => {
        device = await makeWebGpu()
        model = await loadRealModel(real, device)
        expected = await goldenSafetensors(`${real.folder}/logits.safetensors`)
      })
      afterAll(() => device?.dispose())

      it.each(real.logits.prompts.filter(isShort))('gives the logits of $name', async (prompt) => {
        await expectLogits(model, prompt, expected, bound)
      })

      it('gives the golden tokens in two decode steps, the second of which creates nothing', async () => {
        const session = createSession(model, { activations: 'f32' })
        // The first three tokens of these prompts win by more than twice the bound.
        const prompt = real.greedy.prompts.find(({ name }) => name === real.firmPrompt)
        if (!prompt) throw new Error(`the golden file has no prompt "${real.firmPrompt}"`)
        const first = argmaxOf(await session.prefill(prompt.promptIds))
        const second = await session.stepGreedy(first)
        const before = device.webgpu.counters()
        const third = await session.stepGreedy(second)
        const after = device.webgpu.counters()
        expect([first, second, third]).toEqual(prompt.generatedIds.slice(0, 3))
        expect(after.submits - before.submits).toBe(1)
        // Embedding, final norm, head and argmax are too few to count as one dispatch of every layer.
        expect(Math.floor((after.dispatches - before.dispatches) / model.config.numLayers)).toBe(dispatches)
        expect(after).toMatchObject({
          buffersCreated: before.buffersCreated,
          bindGroupsCreated: before.bindGroupsCreated,
          pipelinesCreated: before.pipelinesCreated,
        })
        session.dispose()
      })
    })
  },
)

describe.skipIf(smolLm2.path === undefined)(
  'SmolLM2-135M Q4_1 on webgpu in headless Chromium, exact activations (skipped where tooling/models.sh has not brought the model)',
  () => {
    let browser: Awaited<ReturnType<typeof launchChromium>>
    beforeAll(async () => {
      browser = await launchChromium()
    })
    afterAll(() => browser?.close())

    it('gives the logits of the short prompts', async ({ skip }) => {
      if (!browser) return skip('npm carries a Chromium for Linux on x64 only')
      const prompts = smolLm2.logits.prompts.filter(isShort)
      const files = new Map([['/model.gguf', await readFile(smolLm2.path ?? '')]])
      const options: LogitsPageOptions = { model: '/model.gguf', prompts: prompts.map(({ ids }) => ids) }
      const rows = await runInChromium<number[][]>(
        browser,
        fileURLToPath(new URL('logits-page.ts', import.meta.url)),
        options,
        { files },
      )
      const expected = await goldenSafetensors('smollm2/logits.safetensors')
      expect(rows).toHaveLength(2)
      for (const [index, prompt] of prompts.entries())
        await expectGoldenLogits(rows[index] ?? [], prompt, expected, bound)
    })
  },
)
