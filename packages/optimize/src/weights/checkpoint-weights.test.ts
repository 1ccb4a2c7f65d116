import { readFile } from 'node:fs/promises'
import { bufferSink, bufferSource, readGguf, writeGguf } from '@tessera-llm/formats'
import { tinyModel } from '@tessera-llm/tiny-model'
import { expect, test } from 'vitest'
import { checkpointWeights } from './index.ts'

test('reads the weights of a GGUF file by canonical name', async () => {
  const checkpoint = await readGguf(bufferSource(await readFile(tinyModel.ggufUrl)))
  const weights = checkpointWeights(checkpoint)
  expect(weights.size).toBe(checkpoint.tensors.size)
  const down = weights.get('layers.0.mlp.down')
  expect(down).toMatchObject({ storedName: 'blk.0.ffn_down.weight', format: 'f16' })
  const values = await down?.read()
  expect(values).toHaveLength((down?.shape[0] ?? 0) * (down?.shape[1] ?? 0))
  expect(values?.some((value) => value !== 0)).toBe(true)
})

test('decodes blocks, and names a weight that is not a number', async () => {
  const sink = bufferSink()
  const blocks = new Uint8Array(2 * 34)
  blocks.set([0x00, 0x3c, 1, 2, 0xff], 0)
  const values = Float32Array.of(1, 2, Number.NaN)
  await writeGguf(
    {
      metadata: new Map(),
      tensors: [
        { name: 'blk.0.ffn_up.weight', shape: [2, 32], format: 'q8_0', bytes: blocks },
        { name: 'output_norm.weight', shape: [3], format: 'f32', bytes: new Uint8Array(values.buffer) },
      ],
    },
    sink,
  )
  const weights = checkpointWeights(await readGguf(bufferSource(sink.bytes())))
  expect([...((await weights.get('layers.0.mlp.up')?.read()) ?? [])].slice(0, 4)).toEqual([1, 2, -1, 0])
  await expect(weights.get('norm')?.read()).rejects.toThrow('output_norm.weight [3] holds NaN at index 2')
})
