#!/usr/bin/env node
import { pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { bundle } from './bundle.js'

// Node 20 has relaxed SIMD behind a flag, which must be set before the first WebAssembly module is compiled; products take half the time with it.
if (Number(process.versions.node.split('.')[0]) < 21) setFlagsFromString('--experimental-wasm-relaxed-simd')

const { main } = await import(pathToFileURL(await bundle('compression')).href)
process.exitCode = await main(process.argv.slice(2))
