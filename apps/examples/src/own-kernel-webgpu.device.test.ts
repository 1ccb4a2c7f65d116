import { useSwiftShader } from '@tessera-tooling/swiftshader'
import { beforeAll, expect, test } from 'vitest'
import { runExample } from '../test/run-example.ts'

// The machine's own GPU where there is no SwiftShader.
beforeAll(() => {
  useSwiftShader()
})

test('own-kernel-webgpu: the device takes it, and our kernels read what it wrote', async () => {
  const lines = (await runExample(() => import('./own-kernel-webgpu.ts'))).split('\n')
  expect(lines[0]).toMatch(/^one-lane-an-element on webgpu/)
  expect(lines.slice(1, 3)).toEqual(['max(0, x)²     0 0 0 0.25 9', 'x · max(0, x)² 0 0 0 0.125 27'])
})
