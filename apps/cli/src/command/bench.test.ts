import { expect, test } from 'vitest'
import { json, onReference } from '../../test/support/json.ts'
import { tiny } from '../../test/support/models.ts'

test('bench --json', async () => {
  const { result } = await json('bench', tiny, '--prompt', '8', '--generate', '2', '--repeat', '1', ...onReference)
  expect(Object.keys(result)).toEqual(['promptTokensPerSecond', 'decodeTokensPerSecond', 'loadMs', 'peakRssBytes'])
  for (const value of Object.values(result)) expect(value).toBeGreaterThan(0)
  expect(result['peakRssBytes']).toBeGreaterThan(20e6)
})
