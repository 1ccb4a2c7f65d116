import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tinyModel } from '@tessera-llm/tiny-model'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { textOfHuggingFace } from '../model/text.ts'
import { openHuggingFaceFolder } from './hugging-face-folder.ts'

const weights = new URL('../../../runtime/test/golden/architectures/llama/', import.meta.url)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-folder-'))
  for (const file of ['config.json', 'model.safetensors']) await copyFile(new URL(file, weights), join(folder, file))
  await copyFile(tinyModel.tokenizerUrl, join(folder, 'tokenizer.json'))
})
afterEach(() => rm(folder, { recursive: true }))

async function rendered(): Promise<string | undefined> {
  const files = await openHuggingFaceFolder(folder)
  await files.checkpoint.close()
  return textOfHuggingFace(files).chatTemplate?.render([{ role: 'user', content: 'Good morrow' }])
}

test('the chat template is that of tokenizer_config.json, of several the default one', async () => {
  expect(await rendered()).toBeUndefined()
  await writeFile(
    join(folder, 'tokenizer_config.json'),
    JSON.stringify({ chat_template: 'one: {{ messages[0].content }}' }),
  )
  expect(await rendered()).toBe('one: Good morrow')
  await writeFile(
    join(folder, 'tokenizer_config.json'),
    JSON.stringify({
      chat_template: [
        { name: 'tool_use', template: 'tools' },
        { name: 'default', template: 'two: {{ messages[0].content }}' },
      ],
    }),
  )
  expect(await rendered()).toBe('two: Good morrow')
})

test('chat_template.jinja, where transformers 5 stores it, goes before it', async () => {
  await writeFile(join(folder, 'chat_template.jinja'), 'three: {{ messages[0].content }}')
  expect(await rendered()).toBe('three: Good morrow')
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify({ chat_template: 'one' }))
  expect(await rendered()).toBe('three: Good morrow')
})

test('a tokenizer.json that is there and cannot be read is no absent one', async () => {
  await rm(join(folder, 'tokenizer.json'))
  await mkdir(join(folder, 'tokenizer.json'))
  await expect(openHuggingFaceFolder(folder)).rejects.toMatchObject({
    code: 'io',
    message: expect.stringContaining('tokenizer.json cannot be read'),
  })
})
