import { beforeAll, describe, expect, test } from 'vitest'
import { tessera } from '../../test/support/capture.ts'
import { json, onReference } from '../../test/support/json.ts'
import { tiny, type TinyGolden, tinyGolden } from '../../test/support/models.ts'

let golden: TinyGolden['prompts'][number]
beforeAll(async () => {
  golden = (await tinyGolden()).prompts[0] as typeof golden
})

describe('logits', () => {
  test('--json', async () => {
    const { result } = await json('logits', tiny, '--ids', golden.idsWithBos.join(','), '--top', '10', ...onReference)
    expect(Object.keys(result)).toEqual(['logsumexp', 'mean', 'std', 'top'])
    expect(Math.abs((result['logsumexp'] as number) - golden.logsumexp)).toBeLessThan(1e-3)
    const top = result['top'] as { id: number; logit: number }[]
    expect(top.map(({ id }) => id)).toEqual(golden.top10Ids)
    for (const [index, { logit }] of top.entries())
      expect(Math.abs(logit - (golden.top10Logits[index] as number))).toBeLessThan(1e-3)
  })

  test('a table for people', async () => {
    const { stdout } = await tessera([
      'logits',
      tiny,
      '--ids',
      golden.idsWithBos.join(','),
      '--top',
      '1',
      ...onReference,
    ])
    expect(stdout).toMatch(/^logsumexp 9\.6549\d*\nmean -?[\d.]+\nstd [\d.]+\n26\t8\.877\d\d\t":"\n$/)
  })
})
