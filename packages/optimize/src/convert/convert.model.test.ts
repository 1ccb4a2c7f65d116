import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readGguf } from '@tessera-llm/formats'
import { fileSource, openCheckpoint } from '@tessera-llm/formats/node'
import { createTokenizerFromGguf, createTokenizerFromJson, type Fields } from '@tessera-llm/runtime'
import { describe, expect, test } from 'vitest'
import { ggufContent, huggingFaceContent } from './index.ts'

const golden = new URL('../../../runtime/test/golden/', import.meta.url)
const models = process.env['TESSERA_MODELS'] ?? join(homedir(), '.cache/tessera/models')

describe.for([
  ['smollm2', 'SmolLM2-135M-Instruct.Q4_1.gguf'],
  ['gemma3', 'gemma-3-270m.Q4_K_M.gguf'],
] as const)('%s', ([name, file]) => {
  const path = join(models, file)
  const hasModel = existsSync(path)
  test.skipIf(!hasModel)(
    `the tokenizer of the converted folder gives the tokens of the GGUF file's${hasModel ? '' : `: skipped, ${file} is missing, bash tooling/models.sh brings it`}`,
    async () => {
      const checkpoint = await readGguf(await fileSource(path))
      const { tokenizer, tokenizerConfig, tensors } = await huggingFaceContent(checkpoint, { decode: true })
      expect(tensors.length).toBe(checkpoint.tensors.size)
      const before = createTokenizerFromGguf(checkpoint.metadata as Fields)
      const after = createTokenizerFromJson(tokenizer, tokenizerConfig)
      const { cases } = JSON.parse(await readFile(new URL(`${name}/tokenizer.json`, golden), 'utf8')) as {
        cases: { text: string }[]
      }
      expect(cases.length).toBeGreaterThan(50)
      for (const { text } of cases) {
        const ids = before.encode(text)
        expect([text, after.encode(text)]).toEqual([text, ids])
        expect(after.decode(ids)).toBe(before.decode(ids))
        expect(after.encode(text, { parseSpecial: true })).toEqual(before.encode(text, { parseSpecial: true }))
      }
      await checkpoint.close()
    },
  )
})

describe('minilm', () => {
  const folder = join(models, 'all-MiniLM-L6-v2')
  const hasModel = existsSync(folder)
  test.skipIf(!hasModel)(
    `the GGUF file has the tokens of the folder's tokenizer.json${hasModel ? '' : ': skipped, all-MiniLM-L6-v2 is missing, bash tooling/models.sh brings it'}`,
    async () => {
      const json = async (path: string): Promise<Fields> => JSON.parse(await readFile(path, 'utf8')) as Fields
      const checkpoint = await openCheckpoint(folder)
      const [config, tokenizer, tokenizerConfig] = await Promise.all(
        ['config.json', 'tokenizer.json', 'tokenizer_config.json'].map((name) => json(join(folder, name))) as [
          Promise<Fields>,
          Promise<Fields>,
          Promise<Fields>,
        ],
      )
      const { metadata, tensors } = ggufContent({ checkpoint, config, tokenizer, tokenizerConfig })
      expect(tensors).toHaveLength(101)
      const read = createTokenizerFromGguf(Object.fromEntries([...metadata].map(([key, { value }]) => [key, value])))
      const { cases } = (await json(fileURLToPath(new URL('minilm/tokenizer.json', golden)))) as unknown as {
        cases: { text: string; ids: number[] }[]
      }
      expect(cases.length).toBeGreaterThan(50)
      for (const { text, ids } of cases) expect([text, read.encode(text, { parseSpecial: true })]).toEqual([text, ids])
      await checkpoint.close()
    },
  )
})
