import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readSafetensors, type TensorData, writeSafetensors } from '@tessera-llm/formats'
import { fileSink, fileSource } from '@tessera-llm/formats/node'
import { viewBytes } from '@tessera-llm/tensor'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sentenceFolder, textOf } from '../../../../packages/tessera/test/support/sentence-folder.ts'
import { tessera } from '../../test/support/capture.ts'

let original: string
let changed: string
let text: string
beforeAll(async () => {
  original = await sentenceFolder()
  changed = await sentenceFolder()
  text = join(original, 'text.txt')
  // Six sentences of six words, and a fragment that is too short to count.
  await writeFile(
    text,
    `${Array.from({ length: 6 }, (_, i) => `${textOf([7 * i, 7 * i + 1, 40, 41 + i, 90, 3 * i])}.`).join(' ')}\n\nt1 t2.`,
  )
  await coarsen(join(changed, 'model.safetensors'))
})
afterAll(() => Promise.all([original, changed].map((folder) => rm(folder, { recursive: true }))))

/** Rounds the matrices of the second layer to multiples of 1/8. */
async function coarsen(path: string): Promise<void> {
  const source = await fileSource(path)
  const { tensors } = await readSafetensors(source)
  const rounded = await Promise.all(
    [...tensors.values()].map(async ({ name, shape, format, read }): Promise<TensorData> => {
      const bytes = (await read()).slice()
      if (/layer\.1\..*(lin1|lin2|q_lin)\.weight/.test(name))
        for (const [index, value] of (viewBytes(bytes, 'f32') as Float32Array).entries())
          (viewBytes(bytes, 'f32') as Float32Array)[index] = Math.round(8 * value) / 8
      return { name, shape, format, bytes }
    }),
  )
  await source.close()
  await writeSafetensors({ tensors: rounded }, await fileSink(path))
}

test("eval of an encoder says how its vectors differ from another's", async () => {
  const { code, stdout } = await tessera(['eval', changed, '--against', original, '--text', text, '--json'])
  expect(code).toBe(0)
  const result = JSON.parse(stdout) as Record<string, number>
  expect(result).toMatchObject({ texts: 6, pairs: 15, activations: 'f32', top10Overlap: null })
  expect(result['cosine']).toBeLessThan(0.9999)
  expect(result['cosine']).toBeGreaterThan(0.5)
  expect(result['cosineMin']).toBeLessThan(result['cosine'] as number)
  const same = await tessera(['eval', original, '--against', original, '--text', text, '--sentences', '4'])
  expect(same.stdout).toMatch(
    /^cosine 1\.00000 ± 0\.00000 to the vectors of .*, at least 1\.00000\nsimilarity of 6 pairs: rank correlation 1\.00000\nthe same nearest sentence for 100\.0 %.*\n4 of 6 sentences, f32 activations on /,
  )
})

test('an encoder alone has no perplexity, and a text must have sentences', async () => {
  expect(await tessera(['eval', original, '--text', text])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('holds an encoder, which has no perplexity; --against ORIGINAL'),
  })
  const scraps = join(original, 'scraps.txt')
  await writeFile(scraps, 'One. Two.\n')
  expect(await tessera(['eval', original, '--against', original, '--text', scraps])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('no sentence of five words or more was found'),
  })
})
