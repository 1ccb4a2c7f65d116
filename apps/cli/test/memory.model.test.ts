import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { planFor, withFiles, withModel } from '../src/open/index.ts'
import { createOutput, processIo } from '../src/terminal/index.ts'

const path = join(
  process.env['TESSERA_MODELS'] ?? join(homedir(), '.cache/tessera/models'),
  'SmolLM2-135M-Instruct.Q4_1.gguf',
)
const isThere = existsSync(path)
if (!isThere)
  console.warn(
    `\n*** ${path} is not there: the memory that is stated for SmolLM2 is NOT tested. Run tooling/models.sh to bring it. ***\n`,
  )

describe.skipIf(!isThere)(
  'the memory that is stated for SmolLM2 (skipped where tooling/models.sh has not brought the model)',
  () => {
    test.each([
      [150, undefined],
      [400, undefined],
      [400, 'f32'],
      [400, 'int8'],
      [400, 'int4'],
    ] as const)('is what WebAssembly takes for %i tokens in %s, within 10 %', async (contextLength, cache) => {
      const output = { ...createOutput(true, processIo()), note: () => {} }
      const { signal } = new AbortController()
      const args = {
        model: path,
        device: 'wasm',
        threads: 2,
        activations: 'int8',
        context: undefined,
        cache,
        json: true,
      } as const
      await withFiles(path, output, signal, (files) =>
        withModel(files, args, { contextLength }, output, signal, async ({ model, session }) => {
          await session.prefill(Array.from({ length: contextLength - 1 }, (_, index) => index + 100))
          await session.stepGreedy(1)
          const { totalBytes } = planFor(files, args, contextLength)
          const { peakBytes } = model.device.memory()
          expect(Math.abs(totalBytes / peakBytes - 1)).toBeLessThan(0.1)
        }),
      )
    })
  },
)
