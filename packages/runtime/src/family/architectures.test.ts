import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { decoders, windowlessGguf } from '../../test/cases/decoder.ts'
import { encoders, ggufEncoders } from '../../test/cases/encoder.ts'
import { goldenJson } from '../../test/support/golden.ts'
import { canonicalArchitecture } from '../config/index.ts'
import { decoderFamilies, encoderFamilies } from './index.ts'

const architectureOf = (golden: string): string =>
  canonicalArchitecture(goldenJson<{ model_type: string }>(`architectures/${golden}/config.json`).model_type)

test('the table of models in the README of the repository says what the goldens hold', async () => {
  const readme = await readFile(new URL('../../../../README.md', import.meta.url), 'utf8')
  const rows = [...readme.matchAll(/^\| `([a-z0-9_]+)` \| [^|]+ \| ([^|]+) \| ([^|]+) \|$/gm)].map(
    ([, architecture, gguf, folder]) => ({ architecture, gguf, folder }),
  )
  const tested = (architecture = '', from: 'gguf' | 'config.json'): boolean =>
    (from === 'gguf' && (windowlessGguf.includes(architecture) || ggufEncoders.includes(architecture))) ||
    decoders.some(([golden, sources]) => architectureOf(golden) === architecture && sources.includes(from))

  expect(rows.map(({ architecture }) => architecture).sort()).toEqual(
    [...decoderFamilies, ...encoderFamilies].flatMap(({ architectures }) => architectures).sort(),
  )
  for (const { architecture, gguf, folder } of rows) {
    expect(gguf === 'tested', `${architecture} in GGUF`).toBe(tested(architecture, 'gguf'))
    expect(folder === 'tested', `${architecture} in a folder`).toBe(
      tested(architecture, 'config.json') || encoders.some((golden) => architectureOf(golden) === architecture),
    )
  }
})
