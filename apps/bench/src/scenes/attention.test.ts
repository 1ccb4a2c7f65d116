import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Report } from '../report/index.ts'
import { attentionWorkloads } from '../workload/index.ts'
import { attentionTraffic, mergeReports, writeAttentionScene } from './index.ts'

test('traffic is counted tile by tile', () => {
  // One tile of 32 rows and keys of 32 channels: q, k and v staged, o and the LSE written.
  expect(attentionTraffic(32, 32)).toEqual({
    plain: 4 * (2 * 1024 + 1024 + 5 * 528 + 1024 + 1024 + 1024),
    flash: 4 * (3 * 1024 + 1024 + 32),
    least: 4 * (4 * 1024 + 32),
  })
  const far = attentionTraffic(8192, 64)
  expect(far.flash).toBeLessThan(far.plain)
})

const summary = (median: number) => ({ median, q1: median, q3: median, rounds: 1, values: [median] })
const report: Report = {
  schema: 1,
  date: '2026-01-02T00:00:00Z',
  rounds: 1,
  machine: {
    processor: 'a processor',
    processors: 2,
    memoryGiB: 8,
    platform: 'linux x64',
    node: '20.0.0',
    v8: '11.3',
  } as Report['machine'],
  roofs: { 1: { read: 20, fmaF32: 50 }, 2: { read: 20, fmaF32: 100 } },
  workloads: attentionWorkloads().map((workload) => ({
    workload,
    participants:
      workload.kind === 'attention-decode'
        ? [{ name: 'tessera', status: 'measured', figures: { rate: summary(10), time: summary(5) } }]
        : [
            { name: 'tessera', status: 'measured', figures: { rate: summary(40) } },
            { name: 'slow', status: 'measured', figures: { rate: { ...summary(4), subjectRatio: summary(10) } } },
            { name: 'gone', status: 'unavailable', reason: 'it is not there' },
          ],
  })),
}

test('the page has tables with ratios and limits, and a picture for both themes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scene-'))
  writeAttentionScene([report], folder)
  const page = readFileSync(join(folder, 'attention.md'), 'utf8')
  // 4 · 2 · 64 · 2048 · 2049 / 2 operations at 40 GFLOP/s.
  expect(page).toContain('| 2048 | 26.9 ms, 40.0 GFLOP/s (80 %) | 269 ms, 4.00 GFLOP/s |')
  expect(page).toContain('| 2048 | 10.0 × |')
  // Two threads have a section and a picture of their own.
  expect(page.match(/^## (Forward|Backward), .*$/gm)).toEqual([
    '## Forward, one thread',
    '## Backward, one thread',
    '## Forward, two threads',
    '## Backward, two threads',
  ])
  expect(page).toContain('| 2048 | 26.9 ms, 40.0 GFLOP/s (40 %) | 269 ms, 4.00 GFLOP/s |')
  expect(page).toContain('- not measured: gone: it is not there')
  // 2 · 4 · 8 · 64 · 512 bytes take 105 µs at 20 GB/s.
  expect(page).toContain('| MHA | 8 / 8 | 512 | 2.00 MiB | 5.00 µs | 419 GB/s | 105 µs |')
  expect(page).toContain('| GQA-4 | 8 / 2 |')
  // All scores of 8192 positions, and a block and a tile however long the sequence is.
  expect(page).toMatch(/\| 8192 \|.* 256 MiB \| 256 MiB \| 0 MiB \| 0\.\d+ MiB \|/)
  for (const name of ['traffic', 'memory', 'forward', 'backward', 'forward-2t', 'backward-2t', 'decode']) {
    for (const theme of ['light', 'dark'])
      expect(readFileSync(join(folder, `attention-${name}.${theme}.svg`), 'utf8')).toContain('</svg>')
  }
})

test('parts become one report with the best of each roof', () => {
  const [half, other] = [
    { ...report, workloads: report.workloads.slice(0, 5) },
    { ...report, rounds: 3, roofs: { 1: { read: 30, fmaF32: 40 } }, workloads: report.workloads.slice(5) },
  ]
  expect(mergeReports([half, other])).toEqual({
    ...report,
    roofs: { 1: { read: 30, fmaF32: 50 }, 2: { read: 20, fmaF32: 100 } },
  })
  expect(() => mergeReports([])).toThrow(/there is no report/)
})
