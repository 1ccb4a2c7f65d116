import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { load } from '@tessera-llm/tessera/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sentenceFolder, textOf } from '../../../../packages/tessera/test/support/sentence-folder.ts'
import { tessera } from '../../test/support/capture.ts'
import { tiny } from '../../test/support/models.ts'

const texts = [textOf([5, 6, 7]), textOf([8]), 'unknown words']
let folder: string
let vectors: number[][]
beforeAll(async () => {
  folder = await sentenceFolder()
  await writeFile(join(folder, 'texts.jsonl'), texts.map((text) => `${JSON.stringify(text)}\n`).join('\n'))
  const model = await load(folder, { device: 'reference' })
  vectors = (await model.embed(texts)).map((vector) => [...vector])
  await model.dispose()
})
afterAll(() => rm(folder, { recursive: true }))

test('embed --json gives a vector for each line, and without it a line for each vector', async () => {
  const argv = ['embed', folder, '--jsonl', join(folder, 'texts.jsonl'), '--device', 'reference']
  const { code, stdout } = await tessera([...argv, '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual({ embeddings: vectors })
  expect(vectors.map(({ length }) => length)).toEqual([48, 48, 48])
  expect((await tessera(argv)).stdout).toBe(vectors.map((vector) => `${JSON.stringify(vector)}\n`).join(''))
})

test('embed --text gives one vector, on WebAssembly', async () => {
  const { stdout } = await tessera(['embed', folder, '--text', texts[0] as string, '--json'])
  const [vector = [], ...more] = (JSON.parse(stdout) as { embeddings: number[][] }).embeddings
  expect(more).toEqual([])
  for (const [index, value] of vector.entries())
    expect(Math.abs(value - (vectors[0]?.[index] as number))).toBeLessThan(1e-4)
})

test('embed --ids needs no tokenizer', async () => {
  const bare = join(folder, 'bare')
  await mkdir(bare)
  for (const file of ['config.json', 'model.safetensors']) await copyFile(join(folder, file), join(bare, file))
  for (const model of [folder, bare]) {
    const { code, stdout, stderr } = await tessera([
      'embed',
      model,
      '--ids',
      '5,6,7',
      '--device',
      'reference',
      '--json',
    ])
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ embeddings: [vectors[0]] })
  }
  const { code, stderr } = await tessera(['embed', bare, '--text', 'a'])
  expect(code).toBe(1)
  expect(stderr).toContain('the folder has no tokenizer.json, so no text can be read; add it, or give token ids')
})

test('a decoder gives no vectors, an encoder no text; both are said before anything is loaded', async () => {
  const decoder = await tessera(['embed', tiny, '--text', 'a'])
  expect(decoder).toMatchObject({ code: 1, stdout: '' })
  expect(decoder.stderr).toMatch(/holds a decoder \(llama\), which gives no vectors; use tessera run/)
  const encoder = await tessera(['run', folder, '-p', 'a'])
  expect(encoder).toMatchObject({ code: 1, stdout: '' })
  expect(encoder.stderr).toMatch(/holds an encoder \(distilbert\), which writes no text; use tessera embed/)
})

test('inspect says what an encoder is', async () => {
  const { stdout } = await tessera(['inspect', folder])
  expect(stdout).toContain(
    'distilbert: 2 layers, width 48, 4 query and 4 KV heads of 12, MLP 64, vocabulary 256, context 64\n  an encoder: tessera embed turns texts into vectors\n',
  )
  expect(JSON.parse((await tessera(['inspect', folder, '--json'])).stdout)).toMatchObject({
    config: { architecture: 'distilbert', numLayers: 2 },
    encoder: true,
  })
})

test('a BERT in a GGUF file is embedded, inspected, compressed and converted as one in a folder', async () => {
  const bert = fileURLToPath(
    new URL('../../../../packages/runtime/test/golden/architectures/bert/model.gguf', import.meta.url),
  )
  const work = await mkdtemp(join(tmpdir(), 'tessera-bert-'))
  try {
    const embed = async (model: string): Promise<unknown> =>
      JSON.parse(
        (await tessera(['embed', model, '--text', 'The cat wanted a hat.', '--json', '--device', 'reference'])).stdout,
      )
    const vector = await embed(bert)
    expect((vector as { embeddings: number[][] }).embeddings[0]).toHaveLength(48)
    expect((await tessera(['inspect', bert])).stdout).toContain(
      'bert: 2 layers, width 48, 4 query and 4 KV heads of 12, MLP 64, vocabulary 256, context 64\n  an encoder',
    )
    expect((await tessera(['run', bert, '-p', 'a'])).stderr).toMatch(
      /holds an encoder \(bert\), which writes no text; use tessera embed/,
    )

    expect(await tessera(['convert', bert, join(work, 'folder')])).toMatchObject({ code: 0 })
    expect(await embed(join(work, 'folder'))).toEqual(vector)
    expect(await tessera(['convert', join(work, 'folder'), join(work, 'again.gguf')])).toMatchObject({ code: 0 })
    expect(await embed(join(work, 'again.gguf'))).toEqual(vector)

    await writeFile(
      join(work, 'text.txt'),
      Array.from({ length: 40 }, (_, i) => `the cat played in the hat ${i}.`).join(' '),
    )
    const compressed = await tessera([
      'optimize',
      bert,
      join(work, 'small.gguf'),
      '--method',
      'rtn',
      '--format',
      'f16',
      '--evaluate',
      join(work, 'text.txt'),
      '--json',
    ])
    expect(compressed.code).toBe(0)
    expect(JSON.parse(compressed.stdout)).toMatchObject({ embeddings: { cosine: expect.closeTo(1, 5) } })

    expect(
      await tessera(['convert-heads', bert, join(work, 'heads.gguf'), '--kv-heads', '2', '--method', 'mean']),
    ).toMatchObject({ code: 0 })
    expect((await tessera(['inspect', join(work, 'heads.gguf')])).stdout).toContain('4 query and 2 KV heads of 12')
    expect((await tessera(['convert', join(work, 'heads.gguf'), join(work, 'fewer')])).stderr).toBe('')
    expect(await embed(join(work, 'fewer'))).toEqual(await embed(join(work, 'heads.gguf')))
  } finally {
    await rm(work, { recursive: true })
  }
})
