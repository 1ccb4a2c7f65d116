import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EvaluatedSession } from '@tessera-llm/evaluation'
import { measureDivergence } from '@tessera-llm/evaluation'
import { parseRecipe } from '@tessera-llm/optimize'
import { createRandom } from '@tessera-llm/tensor'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anchors } from './anchors.ts'
import {
  type CompressionReport,
  everyRow,
  frontierOf,
  keepLogits,
  keptSession,
  type MeasuredRow,
  writeCompression,
} from './index.ts'
import { kindOfRow } from './tables.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'compression-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Session whose logits depend on the last token, its position and a seed; counts the tokens it was given. */
function fakeSession(seed: number, asked = { tokens: 0 }): EvaluatedSession {
  const row = (id: number, position: number): Float32Array => {
    const random = createRandom(1000 * id + position + seed)
    return Float32Array.from({ length: 10 }, () => random.normal())
  }
  return {
    contextLength: 7,
    truncate: () => {},
    async prefill(ids, { everyLogits } = {}) {
      asked.tokens += ids.length
      const rows = ids.map((id, position) => row(id, position))
      everyLogits?.visit(rows.slice(everyLogits.from), everyLogits.from)
      return rows.at(-1) as Float32Array
    },
  }
}

test('kept logits stand in for the model, window by window, and are computed once', async () => {
  const ids = Array.from({ length: 24 }, (_, i) => (i * i) % 10)
  const cut = { window: 8, windows: 3, protocol: 'all' } as const
  const kept = {
    folder: join(folder, 'logits'),
    identity: 'a model',
    vocabSize: 10,
    windows: [0, 8, 16].map((at) => ids.slice(at, at + 8)),
  }
  const asked = { tokens: 0 }
  expect(await keepLogits({ ...kept, windows: kept.windows.slice(0, 1) }, async () => fakeSession(1, asked))).toBe(1)
  expect(await keepLogits(kept, async () => fakeSession(1, asked))).toBe(2)
  expect(asked.tokens).toBe(3 * 7)
  expect(await keepLogits(kept, async () => expect.unreachable())).toBe(0)
  const other = fakeSession(2)
  expect(await measureDivergence(keptSession(kept), other, ids, cut)).toEqual(
    await measureDivergence(fakeSession(1), other, ids, cut),
  )
  await expect(keptSession(kept).prefill([9, 9, 9])).rejects.toThrow(
    'no logits are kept for the 3 tokens that begin with 9, 9, 9',
  )
})

const measured = (id: string, bitsPerWeight: number, kld: number, more: Partial<MeasuredRow> = {}): MeasuredRow => ({
  id,
  bitsPerWeight,
  kld,
  recipe: { steps: [{ kind: 'quantize', method: 'rtn', format: 'q4_0' }] },
  weights: 1e6,
  bytes: (1e6 * bitsPerWeight) / 8,
  fileBytes: 2e6,
  kldStandardError: 0.01,
  perplexity: 30,
  top1Agreement: 0.8,
  tokens: 8176,
  seconds: { apply: 10, measure: 20 },
  notes: [],
  ...more,
})

test('the page marks what no other row beats, and sets what was published beside it', () => {
  const rows = [
    measured('a', 4.5, 0.2),
    measured('b', 3.3, 0.5, { anchor: anchors.gptq3Rotated }),
    measured('c', 4.6, 0.3, { isReceipt: true, notes: ['went otherwise'] }),
    measured('d', 4.5, 0.25, { isStatic: true }),
    measured('whole', 4.0, 0.1, { isReceipt: true, hasEmbedding: true, fileBytes: 1e6 }),
    measured('mixed', 4.5, 0.1, {
      budget: { recipe: { steps: [{ kind: 'budget', size: 562_500 }] }, sameBytesAs: 'a', predictedKld: 0.12 },
    }),
    measured('published-rtn-4', 4.5, 0.5438 + 0.0175, { anchor: anchors.rtn4Merged }),
    measured('published-awq-3', 3.3, 0.67, { anchor: anchors.awq3 }),
    measured('ablation-none', 3.3, 0.25),
    measured('ablation-search', 3.3, 0.375),
    measured('inputs', 4.5, 0.001, { recipe: { activations: 'int8-token', steps: [] } }),
    measured('cache', 4.5, 0.00002, {
      kldStandardError: 0.000001,
      cacheBytes: 3e6,
      recipe: { cache: { format: 'int4' }, steps: [] },
    }),
  ]
  expect([...frontierOf(rows.slice(0, 4))]).toEqual(['b', 'a'])
  expect(rows.map(kindOfRow)).toEqual([
    'weights',
    'weights',
    'weights',
    'weights',
    'file',
    'budget',
    'published',
    'published',
    'ablation',
    'ablation',
    'activations',
    'cache',
  ])
  const report: CompressionReport = {
    schema: 1,
    date: '2026-01-02T00:00:00Z',
    machine: {
      processor: 'a processor',
      processors: 2,
      memoryGiB: 8,
      platform: 'linux x64',
      node: '20.0.0',
      v8: '11.3',
    },
    threads: 1,
    model: { name: 'model.gguf', sha256: '00', perplexity: 29.6 },
    protocol: { calibration: 'valid.txt', evaluation: 'test.txt', window: 512, windows: 16 },
    rows,
  }
  writeCompression(report, folder)
  const page = readFileSync(join(folder, 'compression.md'), 'utf8')
  const lines = page.split('\n').filter((line) => line.startsWith('| **`') || line.startsWith('| `'))
  expect(lines).toEqual([
    '| **`b`** | 3.30 | 0.4 | 0.5000 ± 0.0100 | 30.00 | 80.0 % | 10 | GPTQ, clipped, corrected, rotated, 3.3 bits | 0.3531 ± 0.0153 | 1.42 |',
    // The row with chosen formats loses less.
    '| `a` | 4.50 | 0.6 | 0.2000 ± 0.0100 | 30.00 | 80.0 % | 10 |  |  |  |',
    '| `d` ‡ | 4.50 | 0.6 | 0.2500 ± 0.0100 | 30.00 | 80.0 % | 10 |  |  |  |',
    '| `c` † | 4.60 | 0.6 | 0.3000 ± 0.0100 | 30.00 | 80.0 % | 10 |  |  |  |',
    '| `rtn-4` | 4.50 | 0.5613 ± 0.0100 | 30.00 | RTN, merged, 4.31 bits | 0.5438 ± 0.0087 | 1.03 | no |',
    '| `awq-3` | 3.30 | 0.6700 ± 0.0100 | 30.00 | AWQ, merged, 3.3 bits | 0.6311 ± 0.0198 | 1.06 | yes |',
    '| `ablation-none` | 3.30 | 0.2500 ± 0.0100 | 30.00 | 80.0 % | 1.00 |',
    '| `ablation-search` | 3.30 | 0.3750 ± 0.0100 | 30.00 | 80.0 % | 1.50 |',
    '| `mixed` | 562500 | 0.1000 ± 0.0100 | 30.00 | 80.0 % | 0.1200 | 10 | `a` | 562500 | 0.2000 ± 0.0100 | 0.500 |',
    '| `inputs` | 4.50 | a token | 0.0010 ± 0.0100 | 30.00 | 80.0 % |  |  |  |',
    '| `cache` | int4 | 3.0 | 0.000020 ± 0.000001 | 30.00 | 80.0 % |  |  |  |',
    // Rows of whole files are not comparable with rows that keep the embedding.
    '| `whole` | 1.0 | too | 0.1000 ± 0.0100 | 30.00 | 80.0 % |',
    '| `c` | 2.0 | no | 0.3000 ± 0.0100 | 30.00 | 80.0 % |',
  ])
  expect(page).toContain('- `c`: went otherwise')
  for (const theme of ['light', 'dark'])
    expect(readFileSync(join(folder, `compression-frontier.${theme}.svg`), 'utf8')).toContain('</svg>')
})

test('rows have names of their own and recipes that are valid', () => {
  const rows = everyRow()
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length)
  for (const { id, recipe } of rows) expect(parseRecipe(recipe), id).toEqual(recipe)
  for (const { id, sameBytesAs } of rows)
    if (sameBytesAs !== undefined) expect([...rows.map((row) => row.id), 'gptq-q4_0'], id).toContain(sameBytesAs)
})
