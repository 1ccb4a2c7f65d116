import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readGguf } from '../gguf/read-gguf.ts'
import { bufferSource } from '../source/buffer-source.ts'
import { openCheckpoint } from '../source/open-checkpoint.ts'
import { readSafetensors } from './read-safetensors.ts'

const golden = new URL('../../test/golden/', import.meta.url)
const load = async (name: string): Promise<Uint8Array> => new Uint8Array(await readFile(new URL(name, golden)))

test('a model written by the reference implementation holds the tensors of its GGUF twin', async () => {
  const checkpoint = await readSafetensors(bufferSource(await load('llama.safetensors')))
  const twin = await readGguf(bufferSource(await load('llama.gguf')))
  expect(checkpoint.metadata).toEqual({ format: 'pt' })
  const embedding = checkpoint.tensors.get('model.embed_tokens.weight')
  expect(embedding?.format).toBe('f32')
  expect(embedding?.shape).toEqual(twin.tensors.get('token_embd.weight')?.shape)
  expect(await embedding?.read()).toEqual(await twin.tensors.get('token_embd.weight')?.read())
})

test('openCheckpoint tells the containers apart by their content', async () => {
  const gguf = await openCheckpoint(fileURLToPath(new URL('llama.gguf', golden)))
  const safetensors = await openCheckpoint(fileURLToPath(new URL('llama.safetensors', golden)))
  expect([gguf.container, safetensors.container]).toEqual(['gguf', 'safetensors'])
  await gguf.close()
  await safetensors.close()
})
