import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((page) => page && existsSync(join(root, page)))

/** Headings as GitHub names them in addresses. */
const anchorsOf = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

test('every link between files of the repository leads to a file, and to a heading where it names one', () => {
  expect(pages.length).toBeGreaterThan(50)
  const broken = pages.flatMap((page) =>
    [
      ...readFileSync(join(root, page), 'utf8')
        .replace(/```[\s\S]*?```/g, '')
        .matchAll(/\]\(([^()\s]+)\)/g),
    ]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#')
        const file = path === '' ? join(root, page) : join(root, dirname(page), path)
        if (!existsSync(file)) return true
        if (anchor === undefined) return false
        const shown = statSync(file).isDirectory() ? join(file, 'README.md') : file
        return !anchorsOf(readFileSync(shown, 'utf8')).includes(anchor)
      })
      .map((target) => `${page}: ${target}`),
  )
  expect(broken).toEqual([])
})
