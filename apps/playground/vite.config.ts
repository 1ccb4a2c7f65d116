import { defineConfig } from 'vite'
import { wgslText } from '../../tooling/vitest/index.mjs'

/** Headers that enable shared memory, and so threads; without them everything runs on one thread. */
const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }

export default defineConfig({
  // Relative addresses, so that the folder can be served from anywhere.
  base: './',
  plugins: [wgslText()],
  worker: { format: 'es', plugins: () => [wgslText()] },
  resolve: { conditions: ['@tessera-llm/source', 'module', 'browser', 'import', 'default'] },
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 2000 },
  server: { headers: isolation },
  preview: { headers: isolation },
})
