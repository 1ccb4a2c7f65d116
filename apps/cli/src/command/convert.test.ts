import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tessera } from '../../test/support/capture.ts'
import { inFolder, tiny, tinyGolden } from '../../test/support/models.ts'

test('a GGUF file becomes a folder and that the same GGUF file; both say what the original says', () =>
  inFolder(async (folder) => {
    const [hub, again] = [join(folder, 'hub'), join(folder, 'again.gguf')]
    const { code, stdout, stderr } = await tessera(['convert', tiny, hub])
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: `${hub}: 56 tensors, converted from 5.3 MiB\n` })
    expect((await readdir(hub)).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    const back = await tessera(['convert', hub, again, '--json'])
    expect(JSON.parse(back.stdout)).toEqual({ model: hub, out: again, tensors: 56 })
    expect((await stat(again)).size).toBeGreaterThan(5_500_000)
    const prompt = (await tinyGolden()).prompts[0]
    for (const model of [hub, again]) {
      const { stdout: text } = await tessera([
        'run',
        model,
        '-p',
        prompt?.text ?? '',
        '--max-tokens',
        '8',
        '--temperature',
        '0',
        '--device',
        'reference',
      ])
      expect(text).toBe(': The President of the United States,\n')
    }
    // No temporary file is left.
    expect((await readdir(folder)).sort()).toEqual(['again.gguf', 'hub'])
  }))

test('what is there stays, and what cannot be is said before anything is written', () =>
  inFolder(async (folder) => {
    const hub = join(folder, 'hub')
    expect((await tessera(['convert', tiny, hub])).code).toBe(0)
    const config = await readFile(join(hub, 'config.json'), 'utf8')
    for (const [argv, message] of [
      [['convert', tiny, hub], `${hub} is there already and not an empty folder; name a new one`],
      [['convert', tiny, join(folder, 'other.gguf')], 'a GGUF file becomes a folder; OUT must not end in .gguf'],
      [['convert', hub, join(folder, 'other')], 'OUT must end in .gguf, not "other"'],
      [['convert', hub, join(folder, 'nowhere', 'model.gguf')], 'cannot be created'],
    ] as const) {
      const { code, stderr } = await tessera(argv)
      expect(stderr).toContain(message)
      expect(code).toBe(message === 'cannot be created' ? 1 : 2)
    }
    expect(await readFile(join(hub, 'config.json'), 'utf8')).toBe(config)
    expect(await readdir(folder)).toEqual(['hub'])
  }))
