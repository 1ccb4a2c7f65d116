import { bufferSink, writeSafetensors } from '@tessera-llm/formats'
import { expect, test } from 'vitest'
import { safetensorsCheckpointOf } from './content-checkpoint.ts'

test('a tensor that is made whole is made once to be written, however large it is', async () => {
  let made = 0
  // Larger than two of the pieces that a writer copies.
  const values = new Uint8Array(40 * 2 ** 20)
  values.set([1, 2, 3], 20 * 2 ** 20)
  const { tensors } = safetensorsCheckpointOf([
    {
      name: 'a',
      shape: [values.length],
      format: 'u8',
      bytes: () => {
        made++
        return values
      },
    },
  ])
  const sink = bufferSink()
  await writeSafetensors({ tensors: [...tensors.values()] }, sink)
  expect(made).toBe(1)
  expect(Buffer.from(sink.bytes().subarray(-values.length)).equals(values)).toBe(true)
  expect(await tensors.get('a')?.read(20 * 2 ** 20, 3)).toEqual(Uint8Array.of(1, 2, 3))
})
