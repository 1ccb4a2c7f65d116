import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Report } from './report/index.ts'
import { type CacheLoss, mergeReports, writeAttentionScene, writeContextScene } from './scenes/index.ts'

/**
 * Writes `attention.md` from the reports `attention*.json` of a folder, and `context.md` from `context*.json`, with
 * their plots. Returns the exit code: 2 if there are none.
 */
export function main([folder]: readonly string[]): number {
  const reportsOf = (name: string): readonly Report[] =>
    folder === undefined
      ? []
      : readdirSync(folder)
          .filter((file) => file.startsWith(name) && file.endsWith('.json'))
          .sort()
          .map((file) => read(join(folder, file)) as Report)
  const [attention, context] = [reportsOf('attention'), reportsOf('context')]
  if (folder === undefined || attention.length + context.length === 0) {
    process.stderr.write(
      'node apps/bench/bin/scene.js FOLDER\n\n  FOLDER holds reports named attention*.json, from bench.js --only attention, or context*.json, from --only context\n',
    )
    return 2
  }
  if (attention.length > 0) writeAttentionScene(attention, folder)
  const losses = join(folder, 'cache-loss.json')
  if (context.length > 0)
    writeContextScene(mergeReports(context), existsSync(losses) ? (read(losses) as readonly CacheLoss[]) : [], folder)
  return 0
}

function read(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}
