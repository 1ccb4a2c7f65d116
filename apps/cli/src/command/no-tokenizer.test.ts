import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { json, onReference } from '../../test/support/json.ts'
import { inFolder, llamaFolder } from '../../test/support/models.ts'

describe('a folder with config.json and safetensors alone, which has no tokenizer', () => {
  const withBareFolder = (
    use: (bare: string, golden: { ids: number[]; greedy: number[]; logsumexp: number }) => Promise<void>,
  ): Promise<void> =>
    inFolder(async (folder) => {
      const bare = join(folder, 'bare')
      await mkdir(bare)
      await copyFile(join(llamaFolder, 'model.safetensors'), join(bare, 'model.safetensors'))
      const config = JSON.parse(await readFile(join(llamaFolder, 'config.json'), 'utf8')) as object
      const pytorch = JSON.parse(await readFile(join(llamaFolder, '../llama.json'), 'utf8')) as {
        ids: number[]
        greedy: number[]
        logsumexp: number
      }
      await writeFile(join(bare, 'config.json'), JSON.stringify({ ...config, eos_token_id: pytorch.greedy[3] }))
      await use(bare, pytorch)
    })

  test('logits', () =>
    withBareFolder(async (bare, { ids, greedy, logsumexp }) => {
      const { result } = await json('logits', bare, '--ids', ids.join(','), '--top', '1', ...onReference)
      expect(Math.abs((result['logsumexp'] as number) - logsumexp)).toBeLessThan(1e-4)
      expect(result['top']).toEqual([{ id: greedy[0], logit: expect.any(Number) }])
    }))

  test('run, with ids of which none has a text, up to the end token of config.json', () =>
    withBareFolder(async (bare, { ids, greedy }) => {
      const argv = ['run', bare, '--ids', ids.join(','), '--max-tokens', '24', '--temperature', '0', ...onReference]
      expect((await json(...argv)).result).toMatchObject({ ids: greedy.slice(0, 3), text: '', stop: 'eos' })
      expect((await json(...argv, '--ignore-eos')).result).toMatchObject({ ids: greedy, stop: 'length' })
    }))

  test('inspect, and what changes weights without a text', () =>
    withBareFolder(async (bare) => {
      expect((await json('inspect', bare)).result).toMatchObject({
        container: 'safetensors',
        config: { architecture: 'llama' },
      })
      expect(
        (await json('convert-heads', bare, `${bare}-mqa`, '--kv-heads', '1', '--method', 'mean')).result,
      ).toMatchObject({ numKvHeads: { before: 2, after: 1 } })
      expect((await json('logits', `${bare}-mqa`, '--ids', '1,2', ...onReference)).result).toHaveProperty('logsumexp')
    }))
})
