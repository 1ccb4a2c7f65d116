import { useSwiftShader } from '@tessera-tooling/swiftshader'
import { beforeAll, expect, test } from 'vitest'
import { tessera } from './support/capture.ts'
import { tiny, tinyGolden } from './support/models.ts'

// Without SwiftShader these tests use the machine's own GPU.
beforeAll(() => {
  useSwiftShader()
})

test('--device webgpu continues a text with the golden tokens', async () => {
  const [golden] = (await tinyGolden()).prompts
  const { code, stdout, stderr } = await tessera([
    'run',
    tiny,
    '-p',
    golden?.text ?? '',
    '--temperature',
    '0',
    '--max-tokens',
    '8',
    '--device',
    'webgpu',
    '--json',
  ])
  expect(code, stderr).toBe(0)
  expect((JSON.parse(stdout) as { ids: number[] }).ids).toEqual(golden?.greedy.slice(0, 8))
  expect(stderr).toContain('webgpu')
})
