import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { bufferSource, type Checkpoint, readSafetensors } from '@tessera-llm/formats'
import { packSequences } from '@tessera-llm/runtime'
import { type Tensor, viewBytes } from '@tessera-llm/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { load, type Model } from '../src/node.ts'

interface Golden {
  readonly sentences: readonly { readonly text: string; readonly ids: number[] }[]
  readonly pairs: readonly { readonly a: number; readonly b: number; readonly cosine: number }[]
  readonly hidden: { readonly text: string; readonly ids: number[] }
}

const folder = join(process.env.TESSERA_MODELS ?? join(homedir(), '.cache/tessera/models'), 'all-MiniLM-L6-v2')
const isThere = existsSync(folder)
if (!isThere)
  console.warn(
    `\n*** ${folder} is not there: the embeddings of MiniLM are NOT tested. Run tooling/models.sh to bring it. ***\n`,
  )

describe.skipIf(!isThere)(
  'all-MiniLM-L6-v2 on WebAssembly against PyTorch (skipped where tooling/models.sh has not brought the model)',
  () => {
    const file = (name: string) => readFileSync(new URL(`golden/minilm/${name}`, import.meta.url))
    const golden = JSON.parse(file('embeddings.json').toString()) as Golden
    let expected: Checkpoint
    let model: Model
    beforeAll(async () => {
      expected = await readSafetensors(bufferSource(file('embeddings.safetensors')))
      model = await load(folder, { device: 'wasm', threads: 2 })
    })
    afterAll(() => model.dispose())

    const read = async (name: string) =>
      viewBytes((await expected.tensors.get(name)?.read()) ?? new Uint8Array(), 'f32') as Float32Array
    const largestDifference = (actual: ArrayLike<number>, want: ArrayLike<number>): number => {
      expect(actual.length).toBe(want.length)
      return Array.from(want, (value, index) => Math.abs(value - (actual[index] as number))).reduce(
        (largest, value) => (value > largest || Number.isNaN(value) ? value : largest),
        0,
      )
    }

    it('gives the embeddings of 40 sentences, short and cut, to 1e-5', async () => {
      const vectors = await model.embed(golden.sentences.map(({ text }) => text))
      expect(
        largestDifference(
          vectors.flatMap((vector) => [...vector]),
          await read('embeddings'),
        ),
      ).toBeLessThan(1e-5)
      for (const { a, b, cosine } of golden.pairs) {
        const product = (vectors[a] as Float32Array).reduce(
          (sum, value, index) => sum + value * ((vectors[b] as Float32Array)[index] as number),
          0,
        )
        expect(Math.abs(product - cosine)).toBeLessThan(1e-5)
      }
    })

    it('gives the hidden states of a sentence, layer by layer', async () => {
      const encoder = model.embedder?.encoder
      if (!encoder) throw new Error('MiniLM is an encoder')
      const packed = packSequences(encoder.device, [golden.hidden.ids])
      const hidden = new Map<string, Float32Array>()
      const pending: Promise<void>[] = []
      const observe = (name: string, tensor: Tensor): void => {
        pending.push(encoder.device.read(tensor).then((values) => void hidden.set(name, values as Float32Array)))
      }
      const last = encoder.forward(packed, { activations: 'f32', observe })
      await Promise.all(pending)
      for (const tensor of [...Object.values(packed), last]) tensor?.dispose()
      for (const name of ['embed', ...Array.from({ length: 6 }, (_, index) => `layers.${index}.output`)]) {
        const want = await read(`hidden.${name}`)
        const scale = want.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
        expect(largestDifference(hidden.get(name) ?? [], want) / scale, name).toBeLessThan(2e-5)
      }
    })
  },
)
