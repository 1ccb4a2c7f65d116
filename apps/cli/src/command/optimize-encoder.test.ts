import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseReceipt } from '@tessera-llm/optimize'
import { expect, test } from 'vitest'
import { sentenceFolder, textOf } from '../../../../packages/tessera/test/support/sentence-folder.ts'
import { tessera } from '../../test/support/capture.ts'
import { inFolder } from '../../test/support/models.ts'

test("an encoder's receipt says what became of its vectors, and verify holds it to them", () =>
  inFolder(async (folder) => {
    const encoder = await sentenceFolder()
    try {
      const [text, out, recipe] = [join(folder, 'text.txt'), join(folder, 'out'), join(folder, 'recipe.json')]
      await writeFile(
        text,
        Array.from({ length: 9 }, (_, i) => `${textOf([11 * i, 5, 40, 41 + i, 90, 3 * i])}.`).join(' '),
      )
      await writeFile(
        recipe,
        JSON.stringify({
          steps: [
            { kind: 'quantize', method: 'rtn', format: { bits: 4, group: 16 } },
            {
              kind: 'quantize',
              targets: 'embedding',
              method: 'rtn',
              format: { bits: 8, group: 'row', symmetric: true },
            },
          ],
        }),
      )
      const { code, stdout, stderr } = await tessera([
        'optimize',
        encoder,
        out,
        '--recipe',
        recipe,
        '--evaluate',
        text,
        '--sentences',
        '8',
      ])
      expect(code, stderr).toBe(0)
      expect(stdout).toMatch(
        /cosine 0\.9\d+ ± 0\.0\d+ to the original's vectors, at least 0\.\d+; rank correlation of similarities 0\.\d+, the same nearest sentence for [\d.]+ % of 8\n[\d.]+ → [\d.]+ sentences\/s, int8 activations\n/,
      )
      const receipt = parseReceipt(await readFile(`${out}.receipt.json`, 'utf8'))
      expect(receipt.quality).toBeUndefined()
      expect(receipt.embeddings).toMatchObject({ texts: 8, pairs: 28, activations: 'int8' })
      expect(receipt.bytes['embedding']).toMatchObject({ tensors: 2 })
      // `eval` gives the same figures as the receipt.
      const again = await tessera([
        'eval',
        out,
        '--against',
        encoder,
        '--text',
        text,
        '--sentences',
        '8',
        '--activations',
        'int8',
        '--json',
      ])
      expect(JSON.parse(again.stdout)).toMatchObject({
        cosine: receipt.embeddings?.cosine,
        spearman: receipt.embeddings?.spearman,
      })

      expect((await tessera(['verify', `${out}.receipt.json`])).stdout).toMatch(/^verified: the same \d+ bytes/)
      const made = (changes: object): Promise<void> =>
        writeFile(
          join(folder, 'other.json'),
          JSON.stringify({ ...receipt, output: { ...receipt.output, sha256: '0'.repeat(64) }, ...changes }),
        )
      await made({})
      expect((await tessera(['verify', join(folder, 'other.json')])).stdout).toMatch(
        /^verified within two standard errors: other bytes .*, cosine 0\.9\d+, in the receipt 0\.9\d+: .* apart, two standard errors are /,
      )
      await made({ embeddings: { ...receipt.embeddings, cosine: 0.5 } })
      expect((await tessera(['verify', join(folder, 'other.json')])).stderr).toMatch(
        /other bytes came out, and the vectors differ: cosine 0\.9\d+, in the receipt 0\.50000/,
      )
    } finally {
      await rm(encoder, { recursive: true })
    }
  }))
