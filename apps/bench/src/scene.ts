import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Report } from './report/index.ts'
import { mergeReports, writeAttentionScene } from './scenes/index.ts'

/** Writes `attention.md` and its plots from the reports `attention*.json` of a folder. Returns the exit code: 2 where there are none. */
export function main([folder]: readonly string[]): number {
  const files = folder === undefined ? [] : readdirSync(folder).filter((name) => /^attention.*\.json$/.test(name)).sort()
  if (folder === undefined || files.length === 0) {
    process.stderr.write('node apps/bench/bin/scene.js FOLDER\n\n  FOLDER holds reports named attention*.json, from bench.js --only attention\n')
    return 2
  }
  writeAttentionScene(mergeReports(files.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Report)), folder)
  return 0
}
