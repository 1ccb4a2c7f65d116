import { defineConfig } from 'vitest/config'
import { sourceConditions, wgslText } from './tooling/vitest/index.mjs'

const shared = {
  plugins: [wgslText()],
  resolve: { conditions: sourceConditions },
  ssr: { resolve: { conditions: sourceConditions } },
}

/** Node hides relaxed SIMD behind a flag before version 21. */
const execArgv = Number(process.versions.node.split('.')[0]) < 21 ? ['--experimental-wasm-relaxed-simd'] : []

const project = (name: string, include: string[], options: object = {}) => ({
  ...shared,
  test: { name, include, pool: 'forks' as const, execArgv, testTimeout: 120_000, hookTimeout: 120_000, ...options },
})

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      project('unit', [
        '{packages,apps,tooling}/**/*.test.ts',
        '!**/*.{null,device,dist,model}.test.ts',
        '!**/node_modules/**',
      ]),
      project('null', ['packages/**/*.null.test.ts']),
      project('device', ['{packages,apps}/**/*.device.test.ts'], { testTimeout: 300_000 }),
      project('model', ['{packages,apps}/**/*.model.test.ts'], { testTimeout: 600_000 }),
      project('dist', ['{packages,apps,tooling}/**/*.dist.test.ts'], { testTimeout: 300_000 }),
    ],
  },
})
