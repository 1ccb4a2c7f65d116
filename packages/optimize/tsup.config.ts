import { defineLibrary } from '../../tooling/tsup/index.mjs'

export default defineLibrary(['src/index.ts', 'src/node.ts', 'src/wasm.ts'])
