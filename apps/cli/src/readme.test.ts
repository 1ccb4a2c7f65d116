import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tessera } from '../test/support/capture.ts'
import { tiny } from '../test/support/models.ts'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')

/** Commands in the README and the output that it shows for each. */
const shown = [...readme.matchAll(/```console\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
  block
    .split(/^\$ tessera /m)
    .slice(1)
    .map((piece) => {
      const end = piece.indexOf('\n')
      return { line: piece.slice(0, end), expected: piece.slice(end + 1) }
    }),
)

const started = process.cwd()
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-readme-'))
  await copyFile(tiny, join(folder, 'model.gguf'))
  await writeFile(
    join(folder, 'text.txt'),
    'The President of the United States is the head of the Government, and of the people. '.repeat(13).trimEnd(),
  )
  process.chdir(folder)
})
afterAll(async () => {
  process.chdir(started)
  await rm(folder, { recursive: true })
})

/** Splits a command line into words as a shell does. */
const words = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')

describe('the README shows what happens', () => {
  test('in many examples', () => {
    expect(shown.length).toBeGreaterThan(9)
  })

  test.each(shown)('$line', async ({ line, expected }) => {
    const { screen } = await tessera(words(line))
    const pattern = expected
      .trimEnd()
      .split('…')
      .map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
      .join('.*?')
    expect(screen.trimEnd()).toMatch(new RegExp(`^${pattern}$`))
  })
})
