/**
 * Program of every runtime in the matrix: `program.mjs wasm THREADS`, `program.mjs webgpu` (the npm package `webgpu`)
 * or `program.mjs own-webgpu` (the runtime's own). It loads the tiny model with the built packages, generates greedily,
 * and prints one line of JSON. A thrown error is a result too.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { load } from '../../packages/tessera/dist/node.js'
import { tinyModel } from '../../packages/tiny-model/dist/index.js'
import { generateGreedily } from './generate.mjs'

const [backend, threads] = process.argv.slice(2)

/**
 * Dawn's Vulkan backend; run.mjs points the Vulkan loader at SwiftShader before the process starts, which works in
 * every runtime.
 */
async function npmGpu() {
  const entry = createRequire(new URL('../../packages/tessera/package.json', import.meta.url)).resolve('webgpu')
  const { create, globals } = await import(pathToFileURL(entry).href)
  Object.assign(globalThis, globals)
  return create(['backend=vulkan', 'enable-dawn-features=disable_workgroup_init'])
}

const { prompts } = JSON.parse(readFileSync(tinyModel.goldenUrl, 'utf8'))
const options =
  backend === 'wasm'
    ? { device: 'wasm', threads: Number(threads) }
    : { device: 'webgpu', gpu: backend === 'webgpu' ? await npmGpu() : undefined }
console.log(JSON.stringify(await generateGreedily(await load(tinyModel.ggufUrl, options), prompts[0].text)))
