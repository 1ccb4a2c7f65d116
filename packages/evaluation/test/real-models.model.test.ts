import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { readGguf } from '@tessera-llm/formats'
import { fileSource } from '@tessera-llm/formats/node'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { ggmlPackers } from '@tessera-llm/quantization'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { createSession, gemmaFamily, type LanguageModel, llamaFamily, loadModel } from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import { createWasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { measurePerplexity } from '../src/index.ts'

interface Golden {
  /** First 4096 tokens of WikiText-2's validation text. */
  readonly ids: number[]
  /** Sums of PyTorch's negative log-likelihoods per window of 512. */
  readonly llamaCppSecondHalf: readonly number[]
  readonly plainAllPositions: readonly number[]
}

const folder = process.env.TESSERA_MODELS ?? join(homedir(), '.cache/tessera/models')
const models = [
  { title: 'SmolLM2', file: 'SmolLM2-135M-Instruct.Q4_1.gguf', ids: 'smollm2-wikitext', bosId: undefined, windows: 4 },
  { title: 'Gemma 3', file: 'gemma-3-270m.Q4_K_M.gguf', ids: 'gemma3-wikitext', bosId: 2, windows: 2 },
].map((model) => ({ ...model, path: join(folder, model.file) }))
for (const { title, path } of models)
  if (!existsSync(path))
    console.warn(
      `\n*** ${path} is not there: the perplexity of ${title} is NOT tested. Run tooling/models.sh to bring it. ***\n`,
    )

describe.each(models)(
  'perplexity of $title on WikiText-2, WebAssembly (skipped where tooling/models.sh has not brought the model)',
  ({ path, ids, bosId, windows }) => {
    describe.skipIf(!existsSync(path))('against PyTorch', () =>
      perplexityCases(
        path,
        JSON.parse(readFileSync(new URL(`golden/${ids}.json`, import.meta.url), 'utf8')) as Golden,
        bosId,
        windows,
      ),
    )
  },
)

function perplexityCases(path: string, golden: Golden, bosId: number | undefined, windows: number): void {
  let device: Device
  let model: LanguageModel
  beforeAll(async () => {
    device = await createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm], threads: 2 })
    const checkpoint = await readGguf(await fileSource(path))
    model = await loadModel(checkpoint, { device, packers: ggmlPackers, families: [llamaFamily, gemmaFamily] })
    await checkpoint.close()
  })
  afterAll(() => device?.dispose())

  /** exp of the mean over `tokens` tokens per window. */
  const perplexityOf = (sums: readonly number[], tokens: number): number =>
    Math.exp(sums.reduce((total, value) => total + value, 0) / (sums.length * tokens))

  it('f32: within 0.1 %, and each window within 1e-5', async () => {
    const session = createSession(model, { activations: 'f32' })
    const expected = golden.llamaCppSecondHalf.slice(0, windows)
    const { perplexity, nll, tokens } = await measurePerplexity(session, golden.ids, { windows, bosId })
    session.dispose()
    expect(tokens).toBe(windows * 255)
    expect(Math.abs(perplexity / perplexityOf(expected, 255) - 1)).toBeLessThan(1e-3)
    for (const [index, sum] of nll.entries())
      expect(Math.abs(sum / (expected[index] as number) - 1), `window ${index}`).toBeLessThan(1e-5)
  })

  it('f32, all positions of the last window', async () => {
    const session = createSession(model, { activations: 'f32' })
    const { nll, tokens } = await measurePerplexity(session, golden.ids, { skip: 7, protocol: 'all', bosId })
    session.dispose()
    expect(tokens).toBe(511)
    expect(Math.abs((nll[0] as number) / (golden.plainAllPositions[7] as number) - 1)).toBeLessThan(1e-5)
  })

  it('int8 activations: within 0.5 %', async () => {
    const session = createSession(model, { activations: 'int8' })
    const { perplexity } = await measurePerplexity(session, golden.ids, { windows: 2 * windows, bosId })
    session.dispose()
    const expected = perplexityOf(golden.llamaCppSecondHalf.slice(0, 2 * windows), 255)
    console.log(
      `int8 activations: perplexity ${perplexity.toFixed(4)}, f32 ${expected.toFixed(4)} (${((perplexity / expected - 1) * 100).toFixed(3)} %)`,
    )
    expect(Math.abs(perplexity / expected - 1)).toBeLessThan(5e-3)
  })
}
