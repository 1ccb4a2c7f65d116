// Runs every test tier and prints the sum as the last line: N passed, N failed.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, run } from './process.mjs'

const folder = mkdtempSync(join(tmpdir(), 'tessera-test-'))
const report = join(folder, 'report.json')
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const status = await run(process.execPath, [
  vitest,
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
])

let counts = { numPassedTests: 0, numFailedTests: status === 0 ? 0 : 1, numPendingTests: 0 }
try {
  counts = JSON.parse(readFileSync(report, 'utf8'))
} catch {
  console.error('The test runner left no report.')
}
rmSync(folder, { recursive: true, force: true })
// A failure outside any test (a file that does not load) still counts as one.
const failed = status !== 0 && counts.numFailedTests === 0 ? 1 : counts.numFailedTests
if (counts.numPendingTests > 0) console.log(`\n${counts.numPendingTests} skipped`)
console.log(`\n${counts.numPassedTests} passed, ${failed} failed`)
process.exitCode = status
