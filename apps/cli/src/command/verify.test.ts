import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Receipt } from '@tessera-llm/optimize'
import { expect, test } from 'vitest'
import { tessera } from '../../test/support/capture.ts'
import { tiny } from '../../test/support/models.ts'
import { inWork } from '../../test/support/optimize-work.ts'

test('a GGUF file does not state how inputs are rounded, so that verify measures it although the bytes are equal', () =>
  inWork(async ({ folder, optimize, write }) => {
    const out = join(folder, 'out.gguf')
    const recipe = await write({ activations: 'int8-token', steps: [] })
    const { code, stderr } = await optimize(tiny, out, '--recipe', recipe)
    expect(code, stderr).toBe(0)
    const path = `${out}.receipt.json`
    const receipt = JSON.parse(await readFile(path, 'utf8')) as Receipt
    const again = await tessera(['verify', path])
    expect(again.stdout, again.stderr).toMatch(/^verified within two standard errors: the same bytes, divergence/)
    await writeFile(path, JSON.stringify({ ...receipt, quality: { ...receipt.quality, kld: 3 } }))
    expect(await tessera(['verify', path])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the same bytes came out, and the quality differs'),
    })
  }))
