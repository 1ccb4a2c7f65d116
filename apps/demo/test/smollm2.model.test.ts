import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runDemo } from './capture.ts'

const path = join(
  process.env['TESSERA_MODELS'] ?? join(homedir(), '.cache/tessera/models'),
  'SmolLM2-135M-Instruct.Q4_1.gguf',
)
const isThere = existsSync(path)
if (!isThere)
  console.warn(
    `\n*** ${path} is not there: the demo of SmolLM2 is NOT tested. Run tooling/models.sh to bring it. ***\n`,
  )

describe.skipIf(!isThere)('the demo of SmolLM2 (skipped where tooling/models.sh has not brought the model)', () => {
  test('chats a turn, and every device agrees', async () => {
    const { code, stdout, stderr } = await runDemo(['--model', path, '--max-tokens', '12'])
    expect(code, stdout + stderr).toBe(0)
    expect(stdout).toContain('SmolLM2-135M-Instruct.Q4_1.gguf: 134.52 M parameters')
    expect(stdout).toMatch(/\nyou {4}What is the capital of France, .*\nmodel {2}The capital of France is Paris/)
    expect(stdout).toContain('left out: float64 loops would take minutes')
    expect(stdout).toMatch(/wasm \(1 thread.*\): yes, logits differ by at most 0\.0e\+0; it wrote the same \d+ tokens/)
    expect(stdout).toMatch(/webgpu \(.*\): yes, logits differ by at most \d\.\de-\d/)
    expect(stdout).toMatch(/The model writes the same \d+ tokens with either/)
    expect(stdout).toContain(`npm run tessera -- chat ${path}`)
  })
})
