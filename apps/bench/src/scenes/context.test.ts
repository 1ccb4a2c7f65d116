import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Report } from '../report/index.ts'
import { cacheWorkloads } from '../workload/index.ts'
import { writeContextScene } from './index.ts'

const summary = (median: number) => ({ median, q1: median, q3: median, rounds: 1, values: [median] })
// 1000 elements and 2000 operations a position.
const facts = {
  fileBytes: 1,
  weightBytesPerToken: 1,
  operationsPerPromptToken: 1,
  cacheBytesPerPosition: 2000,
  operationsPerPosition: 2000,
}
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
  roofs: { 1: { read: 10, fmaF32: 20 } },
  workloads: cacheWorkloads('model.gguf', facts).map((workload) => ({
    workload,
    participants: [
      {
        name: 'tessera',
        status: 'measured',
        figures: { rate: summary(workload.promptTokens === 16 ? 500 : workload.promptTokens === 1024 ? 250 : 125) },
      },
      ...(workload.cache === 'f32'
        ? []
        : [
            {
              name: 'llama.cpp',
              status: 'measured',
              figures: { rate: summary(workload.promptTokens === 16 ? 500 : 100) },
            } as const,
          ]),
    ],
  })),
}

test('the page says what a context adds, beside the limit, the peer and the loss', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scene-'))
  writeContextScene(report, [{ cache: 'int4', kld: 0.00284, kldStandardErrorClustered: 0.00012 }], folder)
  const page = readFileSync(join(folder, 'context.md'), 'utf8')
  // 1008 positions of 4000 bytes at 10 GB/s; of 625 bytes, so that 2000 operations at 20 GFLOP/s count.
  expect(page).toContain('| f32 | 1024 | 4.00 ms | 2.00 ms | 0.403 ms | 4.96 |  |  |  | 0 |')
  expect(page).toContain(
    '| int4 | 1024 | 4.00 ms | 2.00 ms | 0.101 ms | 19.84 | 10.0 ms | 8.00 ms | 4.00 × | 2.8e-3 ± 1e-4 |',
  )
  expect(page).not.toContain('| 16 |')
  for (const theme of ['light', 'dark'])
    expect(readFileSync(join(folder, `context-added.${theme}.svg`), 'utf8')).toContain('llama.cpp, q8_0')
})
