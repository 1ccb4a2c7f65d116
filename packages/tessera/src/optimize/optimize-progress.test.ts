import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tinyModel } from '@tessera-llm/tiny-model'
import { expect, test } from 'vitest'
import type { OptimizeProgress } from './listeners.ts'
import { optimizeModel } from './optimize-model.ts'

test.each([
  ['a GGUF file', 'out.gguf', 'q4_0'],
  ['a folder', 'out', { bits: 3, group: 64 }],
  ['a folder of other words', 'out', { bits: 8, group: 'row', symmetric: true }],
] as const)('progress rises to its total, into %s', async (_, name, format) => {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-progress-'))
  try {
    const heard: OptimizeProgress[] = []
    await optimizeModel({
      input: fileURLToPath(tinyModel.ggufUrl),
      output: join(folder, name),
      recipe: { steps: [{ kind: 'quantize', method: 'rtn', format }] },
      threads: 1,
      onProgress: (progress) => heard.push(progress),
    })
    const optimizing = heard.filter(({ phase }) => phase === 'optimizing')
    const { done, total } = optimizing.at(-1) as OptimizeProgress
    expect(done).toBe(total)
    const steps = optimizing.map((progress) => progress.done)
    expect(steps).toEqual(steps.toSorted((a, b) => a - b))
  } finally {
    await rm(folder, { recursive: true })
  }
})
