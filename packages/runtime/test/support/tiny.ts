import { readFileSync } from 'node:fs'
import { bufferSource, readGguf } from '@tessera-llm/formats'
import { ggmlPackers } from '@tessera-llm/quantization'
import type { Device } from '@tessera-llm/tensor'
import { type LanguageModel, llamaFamily, loadModel } from '../../src/index.ts'

export interface TinyGolden {
  readonly prompts: readonly {
    readonly text: string
    readonly idsWithBos: number[]
    readonly top10Ids: number[]
    readonly top10Logits: number[]
    readonly greedy: number[]
    /** Margin by which each greedy token won. */
    readonly margins: number[]
  }[]
}

// By path: the package comes after this one in the order of layers.
const folder = new URL('../../../tiny-model/model/', import.meta.url)

export function tinyGguf(): Uint8Array {
  return new Uint8Array(readFileSync(new URL('tiny.gguf', folder)))
}

export const tinyGolden = (): TinyGolden =>
  JSON.parse(readFileSync(new URL('golden.json', folder), 'utf8')) as TinyGolden

export async function loadTiny(device: Device): Promise<LanguageModel> {
  return loadModel(await readGguf(bufferSource(tinyGguf(), 'tiny.gguf')), {
    device,
    packers: ggmlPackers,
    families: [llamaFamily],
  })
}
