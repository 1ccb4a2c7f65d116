import { setFlagsFromString } from 'node:v8'

// Node 20 has relaxed SIMD behind a flag, which must be set before the first WebAssembly module is compiled.
if (Number(process.versions.node.split('.')[0]) < 21) setFlagsFromString('--experimental-wasm-relaxed-simd')

const { main } = await import('./main.ts')
process.exitCode = await main(process.argv.slice(2))
