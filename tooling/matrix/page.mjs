import { load } from '../../packages/tessera/dist/index.js'
import { generateGreedily } from './generate.mjs'

/** Page code in Chromium: the model comes from the page's server. */
export async function run({ options, prompt }) {
  const bytes = new Uint8Array(await (await fetch('/tiny.gguf')).arrayBuffer())
  return { isolated: globalThis.crossOriginIsolated, ...(await generateGreedily(await load(bytes, options), prompt)) }
}
