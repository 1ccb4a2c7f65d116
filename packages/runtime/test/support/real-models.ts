import { type Checkpoint, readGguf } from '@tessera-llm/formats'
import { fileSource } from '@tessera-llm/formats/node'
import { ggmlPackers } from '@tessera-llm/quantization'
import type { Device } from '@tessera-llm/tensor'
import { expect } from 'vitest'
import { createSession, gemmaFamily, type LanguageModel, llamaFamily, loadModel } from '../../src/index.ts'
import { goldenJson, goldenTensor, largestDifference } from './golden.ts'
import { realModel } from './models.ts'

export interface LogitsGolden {
  readonly prompts: readonly {
    readonly name: string
    readonly tokens: number
    readonly ids: number[]
    readonly fullLogits: string | null
    readonly top20Ids: number[]
    readonly top20Logits: number[]
    readonly logsumexp: number
  }[]
}
export interface GreedyGolden {
  readonly prompts: readonly {
    readonly name: string
    readonly promptIds: number[]
    readonly generatedIds: number[]
    readonly margins: number[]
  }[]
}

/** A real decoder and PyTorch's results for it; `path` is undefined if `tooling/models.sh` has not downloaded it. */
export interface RealModel {
  readonly title: string
  readonly folder: string
  readonly path: string | undefined
  readonly logits: LogitsGolden
  readonly greedy: GreedyGolden
  /** A short prompt whose first three greedy tokens win by a large margin. */
  readonly firmPrompt: string
}

const realModelOf = (title: string, folder: string, file: string, firmPrompt: string): RealModel => ({
  title,
  folder,
  path: realModel(file),
  logits: goldenJson<LogitsGolden>(`${folder}/logits.json`),
  greedy: goldenJson<GreedyGolden>(`${folder}/greedy.json`),
  firmPrompt,
})

export const smolLm2: RealModel = realModelOf('SmolLM2-135M Q4_1', 'smollm2', 'SmolLM2-135M-Instruct.Q4_1.gguf', 'list')
export const gemma3: RealModel = realModelOf('Gemma 3 270M Q4_K_M', 'gemma3', 'gemma-3-270m.Q4_K_M.gguf', 'capital')

export async function loadRealModel({ path }: RealModel, device: Device): Promise<LanguageModel> {
  const checkpoint = await readGguf(await fileSource(path ?? ''))
  try {
    return await loadModel(checkpoint, { device, packers: ggmlPackers, families: [llamaFamily, gemmaFamily] })
  } finally {
    await checkpoint.close()
  }
}

/** Computes a golden prompt with f32 activations; every logit in the golden file must be within `bound` of it. */
export async function expectLogits(
  model: LanguageModel,
  prompt: LogitsGolden['prompts'][number],
  expected: Checkpoint,
  bound: number,
): Promise<void> {
  const session = createSession(model, { activations: 'f32' })
  const logits = await session.prefill(prompt.ids)
  session.dispose()
  await expectGoldenLogits(logits, prompt, expected, bound)
}

/** Compares given logits with the golden file. */
export async function expectGoldenLogits(
  logits: ArrayLike<number>,
  prompt: LogitsGolden['prompts'][number],
  expected: Checkpoint,
  bound: number,
): Promise<void> {
  if (prompt.fullLogits !== null) {
    const { value, index } = largestDifference(logits, await goldenTensor(expected, prompt.fullLogits))
    expect(value, `logit ${index}`).toBeLessThan(bound)
  }
  for (const [rank, id] of prompt.top20Ids.entries())
    expect(Math.abs((logits[id] ?? Number.NaN) - (prompt.top20Logits[rank] ?? Number.NaN))).toBeLessThan(bound)
  expect(Math.abs(logSumExp(logits) - prompt.logsumexp)).toBeLessThan(bound)
}

function logSumExp(logits: ArrayLike<number>): number {
  const values = Float64Array.from(logits)
  const max = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  return max + Math.log(values.reduce((sum, value) => sum + Math.exp(value - max), 0))
}
