import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { tessera } from '../../test/support/capture.ts'
import { json } from '../../test/support/json.ts'
import { inFolder, tiny, type TinyGolden, tinyGolden } from '../../test/support/models.ts'

let golden: TinyGolden['prompts'][number]
beforeAll(async () => {
  golden = (await tinyGolden()).prompts[0] as typeof golden
})

describe('tokenize', () => {
  test('--text', async () => {
    expect((await json('tokenize', tiny, '--text', golden.text)).result).toEqual({ ids: golden.idsWithBos })
    expect((await json('tokenize', tiny, '--text', golden.text, '--no-bos')).result).toEqual({
      ids: golden.idsWithBos.slice(1),
    })
    expect((await tessera(['tokenize', tiny, '--text', 'whale', '--no-bos'])).stdout).toMatch(/^\d+\t"wh.*"\n/)
  })

  test('the text is taken as it is: quotes, blanks, digits, dots', async () => {
    for (const text of ['"quoted"', "'single'", ' blank ', '007', '1e3', 'a.b', 'a=b', '-dash']) {
      const { result } = await json('tokenize', tiny, `--text=${text}`, '--no-bos')
      const { result: longer } = await json('tokenize', tiny, `--text=x${text}`, '--no-bos')
      expect(result['ids'], text).not.toEqual(longer['ids'])
      expect((result['ids'] as number[]).length, text).toBeGreaterThan(0)
    }
  })

  test('special tokens in the text are read as tokens, or with --no-special as text', async () => {
    expect((await json('tokenize', tiny, '--text', '<|endoftext|>', '--no-bos')).result).toEqual({ ids: [0] })
    const { result } = await json('tokenize', tiny, '--text', '<|endoftext|>', '--no-bos', '--no-special')
    expect((result['ids'] as number[]).length).toBeGreaterThan(5)
  })

  test('--jsonl: one list a line, whatever is in the strings', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'texts.jsonl')
      await writeFile(path, `${JSON.stringify(golden.text)}\n\n"a\u2028b"\r\n${JSON.stringify('two\nlines')}`)
      const { result } = await json('tokenize', tiny, '--jsonl', path)
      const ids = result['ids'] as number[][]
      expect(ids).toHaveLength(3)
      expect(ids[0]).toEqual(golden.idsWithBos)
      expect((await tessera(['tokenize', tiny, '--jsonl', path])).stdout).toBe(
        ids.map((line) => `${line.join(' ')}\n`).join(''),
      )
    }))

  test('--jsonl: a line that is no string is named', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'texts.jsonl')
      await writeFile(path, '"fine"\n{"not":"a string"}\n')
      const { code, stderr } = await tessera(['tokenize', tiny, '--jsonl', path])
      expect(code).toBe(1)
      expect(stderr).toContain('texts.jsonl:2 must be one JSON string, but is {"not":"a string"}')
    }))
})
