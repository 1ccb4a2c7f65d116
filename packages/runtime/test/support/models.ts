import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const folder = process.env.TESSERA_MODELS ?? join(homedir(), '.cache/tessera/models')

/** Path of a real test model; undefined, with a warning, if `tooling/models.sh` has not downloaded it. */
export function realModel(name: string): string | undefined {
  const path = join(folder, name)
  if (existsSync(path)) return path
  console.warn(
    `\n*** ${name} is not in ${folder}: the tests on this real model are SKIPPED. Run tooling/models.sh to bring it. ***\n`,
  )
  return undefined
}
