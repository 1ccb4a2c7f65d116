import { expect, test } from 'vitest'
import { runDemo } from './capture.ts'

test('the whole demo: every device, both attention kernels, one closing table', async () => {
  const { code, stdout, stderr } = await runDemo(['--max-tokens', '12'])
  expect(code, stdout + stderr).toBe(0)
  expect(stderr).toBe('')
  expect(stdout).toContain('tessera-tiny (trained for this repository): 2.76 M parameters')
  expect(stdout).toContain('GGUF, 5.3 MiB: f16 5.3 MiB')
  // No control sequences where the output is no terminal.
  expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  const table = stdout.slice(stdout.indexOf('── what it took')).split('\n')
  expect(table.slice(3, 7).map((row) => row.split(/\s{2,}/)[0])).toEqual([
    expect.stringMatching(/^wasm \(\d+ threads?, /),
    expect.stringMatching(/^wasm \(1 thread, /),
    expect.stringMatching(/^webgpu \(/),
    'reference (float64)',
  ])
  for (const row of table.slice(3, 7)) expect(row).toMatch(/ [\d.]+ \(\d+\) +[\d.]+ \(\d+\) +[\d.]+ MiB +[\d.]+ m?s$/)
  expect(stdout.match(/yes, logits differ by at most .*; it wrote the same (12|8) tokens$/gm)).toHaveLength(3)
  expect(stdout).toContain('The model writes the same 12 tokens with either.')
})
