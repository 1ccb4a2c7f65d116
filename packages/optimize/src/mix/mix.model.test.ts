import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { readGguf } from '@tessera-llm/formats'
import { fileSource } from '@tessera-llm/formats/node'
import { expect, test } from 'vitest'
import { checkpointWeights } from '../weights/index.ts'
import { mixFormats } from './index.ts'

const file = 'gemma-3-270m.Q4_K_M.gguf'
const path = join(process.env['TESSERA_MODELS'] ?? join(homedir(), '.cache/tessera/models'), file)
const hasModel = existsSync(path)

test.skipIf(!hasModel)(
  `q4_k_m gives the matrices of Gemma 3 270M the types of the published file${hasModel ? '' : `: skipped, ${file} is missing, bash tooling/models.sh brings it`}`,
  async () => {
    const source = await fileSource(path)
    const weights = checkpointWeights(await readGguf(source))
    const stored = [...weights.values()].filter(({ shape }) => shape.length === 2)
    expect(stored).toHaveLength(127)
    expect(Object.fromEntries([...mixFormats('q4_k_m', weights)].map(([name, { format }]) => [name, format]))).toEqual(
      Object.fromEntries(stored.map(({ name, format }) => [name, format])),
    )
    await source.close()
  },
)
