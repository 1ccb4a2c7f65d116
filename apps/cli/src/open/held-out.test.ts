import { readFile } from 'node:fs/promises'
import { measurePerplexity } from '@tessera-llm/evaluation'
import { tinyModel } from '@tessera-llm/tiny-model'
import { expect, test } from 'vitest'
import { tiny } from '../../test/support/models.ts'
import { createOutput, processIo } from '../terminal/index.ts'
import { withFiles, withModel } from './index.ts'

test('the tiny model has the perplexity on held-out text that PyTorch measured for its card', async () => {
  const { heldOut } = JSON.parse(await readFile(tinyModel.goldenUrl, 'utf8')) as {
    heldOut: { windows: number; length: number; tokens: number; perplexity: number }
  }
  const ids = JSON.parse(
    await readFile(new URL('../../test/golden/tiny-held-out.json', import.meta.url), 'utf8'),
  ) as number[]
  // A window reads 256 tokens of context and scores the next 256. It begins with the last token of the window before.
  const windows = Array.from({ length: heldOut.windows }, (_, index) =>
    ids.slice(index * heldOut.length, (index + 1) * heldOut.length + 1),
  )
  const output = { ...createOutput(true, processIo()), note: () => {} }
  const { signal } = new AbortController()
  const args = {
    model: tiny,
    device: 'wasm',
    threads: 2,
    activations: 'f32',
    context: undefined,
    cache: 'f32',
    json: true,
  } as const
  await withFiles(tiny, output, signal, (files) =>
    withModel(
      files,
      args,
      { contextLength: heldOut.length, everyLogits: true },
      output,
      signal,
      async ({ session }) => {
        const { perplexity, tokens } = await measurePerplexity(session, windows.flat(), {
          window: heldOut.length + 1,
          protocol: 'all',
        })
        expect(tokens).toBe(heldOut.tokens)
        expect(Math.abs(perplexity / heldOut.perplexity - 1)).toBeLessThan(1e-6)
      },
    ),
  )
})
