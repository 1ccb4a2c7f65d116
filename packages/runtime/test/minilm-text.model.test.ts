import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { createTokenizerFromJson, type Tokenizer } from '../src/tokenizer/index.ts'
import { goldenJson } from './support/golden.ts'
import { realModel } from './support/models.ts'

interface WordPieceGolden {
  readonly cases: readonly {
    readonly name: string
    readonly text: string
    readonly ids: number[]
    readonly decodedSkipSpecial: string
  }[]
}

const folder = realModel('all-MiniLM-L6-v2')

describe.skipIf(folder === undefined)(
  'MiniLM tokenizer (skipped where tooling/models.sh has not brought the model)',
  () => {
    const golden = goldenJson<WordPieceGolden>('minilm/tokenizer.json')
    let tokenizer: Tokenizer
    beforeAll(() => {
      const read = (name: string) => JSON.parse(readFileSync(join(folder ?? '', name), 'utf8'))
      tokenizer = createTokenizerFromJson(read('tokenizer.json'), read('tokenizer_config.json'))
    })

    it.each(golden.cases)('encodes and decodes $name', ({ text, ids, decodedSkipSpecial }) => {
      expect(tokenizer.encode(text, { parseSpecial: true })).toEqual(ids)
      expect(tokenizer.encode(text, { parseSpecial: true, addSpecial: false })).toEqual(ids.slice(1, -1))
      expect(tokenizer.decode(ids, { skipSpecial: true })).toBe(decodedSkipSpecial)
    })

    it('reads special tokens as text unless it is told to parse them', () => {
      const ids = tokenizer.encode('[SEP]', { addSpecial: false })
      expect(ids).not.toContain(102)
      expect(tokenizer.decode(ids)).toBe('[ sep ]')
    })
  },
)
